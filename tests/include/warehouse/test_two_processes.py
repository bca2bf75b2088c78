from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from include.warehouse.connection import sqlite_warehouse
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
from tests.include.warehouse.toy_people import Loading, people, written

path, number = sys.argv[1], int(sys.argv[2])
for round in range({ROUNDS}):
    version = f"{{round:03d}}-{{number}}"
    loading = Loading(sqlite_warehouse(path), people(), run_id=f"run {{number}} {{round}}")
    print("ready", flush=True)
    for start in range(0, {KEYS}, 10):
        keys = range(start, start + 10)
        keys = keys if number == 0 else reversed(keys)
        loading.commit(*(written(key, f"by {{version}}", version=version) for key in keys))
    loading.sink.close()
"""


def test_processes_that_write_the_same_keys_leave_the_newest_version_once(tmp_path: Path) -> None:
    path = tmp_path / "w.db"
    prepare(sqlite_warehouse(path), "toy", people())
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(number)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        for number in range(2)
    ]
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    warehouse = sqlite_warehouse(path)
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
