from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from include.warehouse.connection import Warehouse
from include.warehouse.ledger import Ledger
from include.warehouse.schema import prepare
from include.warehouse.verify import verify
from tests.include.warehouse.toy_people import count, fetch, people

ROOT = Path(__file__).resolve().parents[3]
KEYS, ROUNDS = 40, 6

WRITER = f"""
import sys
from include.engine.errors import TransientError
from include.engine.model import InsertBatch
from include.warehouse.connection import sqlite_warehouse
from tests.fixtures.t_sql_server import server_warehouse
from tests.include.warehouse.toy_people import Loading, people, written

path, number = sys.argv[1], int(sys.argv[2])
warehouse = server_warehouse() if path == "mssql" else sqlite_warehouse(path)
for round in range({ROUNDS}):
    version = f"{{round:03d}}-{{number}}"
    loading = Loading(warehouse, people(), run_id=f"run {{number}} {{round}}")
    print("ready", flush=True)
    for start in range(0, {KEYS}, 10):
        keys = range(start, start + 10)
        keys = keys if number == 0 else reversed(keys)
        loading.commit(*(written(key, f"by {{version}}", version=version) for key in keys))
    loading.sink.close()
"""


def test_processes_that_write_the_same_keys_leave_the_newest_version_once(warehouse: Warehouse, tmp_path: Path) -> None:
    path = "mssql" if warehouse.name == "mssql" else tmp_path / "warehouse.db"
    prepare(warehouse, "toy", people())
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(number)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        for number in range(2)
    ]
    for writer in writers:
        writer.communicate(timeout=300)
        assert writer.returncode == 0
    newest = f"{ROUNDS - 1:03d}-1"
    assert set(fetch(warehouse, "SELECT DISTINCT name FROM person")) == {(f"by {newest}",)}
    assert (count(warehouse, "person"), count(warehouse, "address")) == (KEYS, 2 * KEYS)
    assert verify(warehouse, "toy", people()) == []
    lines = [
        line
        for n in range(2)
        for r in range(ROUNDS)
        for line in Ledger(warehouse).lines_of_run("toy_dag", f"run {n} {r}")
    ]
    assert {line["records_settled"] for line in lines} == {KEYS}
    assert len(lines) == 2 * ROUNDS
