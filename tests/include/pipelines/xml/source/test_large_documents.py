"""A document of 100 MB beside small ones: how many times over a task holds it at its peak, by the process's memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from include.pipelines.xml.settings import XmlSettings
from include.sandbox.lending import FIRST_KEY, lending_document
from include.warehouse.connection import Warehouse, sqlite_warehouse
from tests.fixtures.t_sql_server import emptied_server, is_babelfish

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[5]
MIB = 1024 * 1024
PARTS = 100
"""Of a MiB each; no contract maps them."""

LARGE = PARTS * MIB
SLACK = 24 * MIB
"""What allocators keep, and what else a batch does: a document is four times as large."""

Load = Callable[[int], dict[str, Any]]


def halves(key: int) -> tuple[str, str]:
    """What stands before and behind the parts that make a document large."""
    document = lending_document(key)
    at = document.rindex("</")
    return document[:at], document[at:]


def fill_sqlite(path: Path) -> None:
    before, behind = halves(FIRST_KEY + 1)
    with closing(sqlite_warehouse(path).connect()) as connection, connection.begin():
        connection.exec_driver_sql("CREATE TABLE app_xml (app_id INTEGER PRIMARY KEY, xml TEXT)")
        connection.exec_driver_sql(
            "INSERT INTO app_xml VALUES (?, ?), (?, ?)",
            (FIRST_KEY, lending_document(FIRST_KEY), FIRST_KEY + 2, lending_document(FIRST_KEY + 2)),
        )
        connection.exec_driver_sql(
            "INSERT INTO app_xml VALUES (?, ? || replace(hex(zeroblob(?)), '00', ?) || ?)",
            (FIRST_KEY + 1, before, PARTS, f"<Part>{'x' * (MIB - 13)}</Part>", behind),
        )


def fill_server(server: Warehouse, column: str) -> None:
    before, behind = halves(FIRST_KEY + 1)
    text = f"CAST(%s AS {column})"

    def work(connection: sa.Connection) -> None:
        connection.exec_driver_sql(f"CREATE TABLE app_xml (app_id bigint NOT NULL PRIMARY KEY, xml {column} NULL)")
        for key in (FIRST_KEY, FIRST_KEY + 2):
            connection.exec_driver_sql("INSERT INTO app_xml VALUES (%s, %s)", (key, lending_document(key)))
        part = f"CAST('<Part>' AS {column}) + REPLICATE(CAST('x' AS {column}), {MIB - 13}) + '</Part>'"
        connection.exec_driver_sql(
            f"INSERT INTO app_xml SELECT %s, {text} + REPLICATE({part}, {PARTS}) + {text}",
            (FIRST_KEY + 1, before, behind),
        )

    server.transact("fill", work)


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("varchar(max)", marks=pytest.mark.mssql),
        pytest.param("nvarchar(max)", marks=pytest.mark.mssql),
    ]
)
def load(request: pytest.FixtureRequest, tmp_path: Path) -> Load:
    """All documents under a limit; the large one stands between the small ones.

    With the result comes how many times over a task may hold the document: SQLite holds it and gives a copy away. A
    server's driver holds its text's bytes and gives a text away, of which bytes are made where it is not too large.
    """
    arguments = [] if request.param == "sqlite" else ["mssql"]
    if arguments:
        server = emptied_server()
        fill_server(server, request.param)
        # Babelfish counts an nvarchar's bytes as UTF-8, SQL Server as UTF-16: here it sends the document.
        times = {"kept_out": 2 if request.param == "nvarchar(max)" and is_babelfish(server) else 0, "read": 3}
    else:
        fill_sqlite(tmp_path / "source.db")
        times = {"kept_out": 2, "read": 2}

    def run(max_document_bytes: int) -> dict[str, Any]:
        command = ["-m", "tests.fixtures.large_document_load", str(tmp_path), str(max_document_bytes), *arguments]
        done = subprocess.run(
            [sys.executable, *command],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        print(f"{request.param}: {found['extra_bytes'] / LARGE:.2f} times the document")
        return found | times

    return run


def test_a_document_over_the_limit_is_one_reject_that_a_server_keeps_and_nobody_copies(load: Load) -> None:
    found = load(XmlSettings().max_document_bytes)
    assert found["rejected_by_code"] == {"xml.too_large": 1}
    assert (found["records_read"], found["records_written"]) == (2, 1)
    assert found["extra_bytes"] < found["kept_out"] * LARGE + SLACK


def test_with_the_limit_raised_it_is_written_and_held_twice_or_from_a_server_three_times(load: Load) -> None:
    found = load(2 * LARGE)
    assert found["rejected_by_code"] in ({}, None)
    assert (found["records_read"], found["records_written"]) == (2, 2)
    assert found["extra_bytes"] < found["read"] * LARGE + SLACK
