from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.airflow_server import ROOT

MORE_BYTES = 100 * 1024 * 1024
SMALL_BYTES = 500
BASE_RECORDS = 2_000

CONTRACT = {
    "contract": "orders",
    "version": 1,
    "root": "Order",
    "key": {"column": "order_id", "type": "bigint", "path": "@id"},
    "tables": [
        {
            "name": "orders",
            "columns": [
                {"name": "customer", "type": "string(40)", "path": "Customer", "required": True},
                {"name": "ordered_on", "type": "date", "path": "On"},
                {"name": "amount", "type": "decimal(12,2)", "path": "Amount"},
                {"name": "note", "type": "text", "path": "Note"},
            ],
        },
        {
            "name": "items",
            "parent": "orders",
            "rows": "Item",
            "row_number": "position",
            "columns": [
                {"name": "sku", "type": "string(20)", "path": "@sku"},
                {"name": "quantity", "type": "int", "path": "Quantity"},
            ],
        },
    ],
}


def order(key: int, size_bytes: int) -> str:
    """Of what a large one has more, half is a mapped text and half are elements that nothing maps."""
    more = size_bytes - 250
    return (
        f'<Order id="{key}"><Customer>customer {key}</Customer><On>2025-03-04</On><Amount>{key % 10_000}.50</Amount>'
        f'<Item sku="s1"><Quantity>1</Quantity></Item><Item sku="s2"><Quantity>2</Quantity></Item>'
        f"<Note>{'note ' * (more // 10)}</Note>{'<Entry>seen</Entry>' * (more // 38)}</Order>"
    )


def write_orders(folder: Path, records: int, size_bytes: int) -> None:
    (folder / "orders.json").write_text(json.dumps(CONTRACT))
    with closing(sqlite3.connect(folder / "source.db")) as connection, connection:
        connection.execute("CREATE TABLE app_xml (app_id INTEGER PRIMARY KEY, xml TEXT)")
        connection.executemany(
            "INSERT INTO app_xml VALUES (?, ?)", ((key, order(key, size_bytes)) for key in range(records))
        )


def load(folder: Path, records: int, *committed: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.fixtures.memory_load", str(folder), str(records), *map(str, committed)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def empty(folder: Path) -> None:
    """Hundreds of megabytes are not left lying about for the next three test runs."""
    for file in folder.iterdir():
        file.unlink()


@pytest.fixture(scope="module")
def usual_peak_bytes(tmp_path_factory: pytest.TempPathFactory) -> int:
    """Of a batch of 2,000 small records."""
    folder = tmp_path_factory.mktemp("usual")
    write_orders(folder, BASE_RECORDS, SMALL_BYTES)
    found = load(folder, BASE_RECORDS)
    assert found["records_written"] == BASE_RECORDS
    empty(folder)
    return int(found["peak_bytes"])


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    empty(tmp_path)


BATCHES = pytest.mark.parametrize(("records", "size_bytes"), [(200_000, SMALL_BYTES), (2_000, 100_000)])


@BATCHES
def test_a_batch_of_many_or_large_records_takes_no_more_memory_than_a_usual_one(
    records: int, size_bytes: int, folder: Path, usual_peak_bytes: int
) -> None:
    write_orders(folder, records, size_bytes)
    found = load(folder, records)
    assert (found["records_written"], found["records_settled"]) == (records, records)
    assert found["peak_bytes"] < usual_peak_bytes + MORE_BYTES


@BATCHES
def test_memory_stays_flat_too_when_half_of_a_batch_is_resumed(
    records: int, size_bytes: int, folder: Path, usual_peak_bytes: int
) -> None:
    write_orders(folder, records, size_bytes)
    first = load(folder, records, records // 2)
    assert first["stopped"]
    second = load(folder, records)
    assert 0.4 * records < second["records_resumed"] < 0.6 * records
    assert (second["records_settled"], second["records_read"]) == (records, records)
    assert max(first["peak_bytes"], second["peak_bytes"]) < usual_peak_bytes + MORE_BYTES
