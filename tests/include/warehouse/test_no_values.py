"""A whole batch under faults whose texts quote a value: no log, exception, ledger or reject may say it."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pymssql
import pytest

from include.engine.errors import HeadraceError
from include.engine.model import Record
from include.warehouse.connection import Warehouse
from include.warehouse.verify import verify
from tests.fixtures.t_sql_server import server_warehouse
from tests.include.warehouse.faulty_driver import (
    PLANTED,
    Faults,
    FaultyConnection,
    everything_said,
    mssql_error,
    sqlite_error,
)
from tests.include.warehouse.test_load import ToyPipeline, load
from tests.include.warehouse.toy_people import count, fetch, people, person_rows

KEYS = range(12)
BAD = 5
"""Its row is refused by a constraint."""


class Planted(ToyPipeline):
    def __init__(self) -> None:
        super().__init__(keys=KEYS)

    def transform(self) -> Any:
        return lambda record: person_rows(record.key, PLANTED, line="forbidden" if record.key == BAD else "here")

    def content_hash(self, record: Record) -> str:
        return f"hash of {record.key}"


@pytest.fixture
def faults(warehouse: Warehouse) -> Faults:
    return Faults(sqlite_error if warehouse.name == "sqlite" else lambda: mssql_error(1205))


@pytest.fixture
def unsteady(warehouse: Warehouse, faults: Faults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """The same database through a driver that fails as the faults say."""
    load(warehouse, Planted(), attempt={"run_id": "before"})
    if warehouse.name == "mssql":
        connect = pymssql.connect
        monkeypatch.setattr(pymssql, "connect", lambda **given: FaultyConnection(connect(**given), faults))
        found = server_warehouse("unsteady")
    else:
        file = tmp_path / "warehouse.db"
        found = Warehouse(
            "sqlite", lambda: FaultyConnection(sqlite3.connect(file, timeout=5, check_same_thread=False), faults)
        )
    found.connect().close()
    return found


def kept(warehouse: Warehouse) -> str:
    columns = "state, error, stats, rejected_by_code, skipped_by_reason, warnings, last_receipt"
    return repr(
        [
            fetch(warehouse, f"SELECT {columns} FROM headrace_batches"),
            fetch(warehouse, "SELECT record_key, code, message FROM headrace_rejects"),
            fetch(warehouse, "SELECT record_key, version, content_hash, reason FROM headrace_records"),
        ]
    )


def fatal(name: str) -> Callable[[], Exception]:
    def syntax() -> Exception:
        error = sqlite3.OperationalError(f"near '{PLANTED}': syntax error")
        error.sqlite_errorcode, error.sqlite_errorname = 1, "SQLITE_ERROR"
        return error

    return syntax if name == "sqlite" else lambda: mssql_error(102)


@pytest.mark.parametrize("loses", [False, True], ids=["connection stays", "connection lost"])
@pytest.mark.parametrize("moment", ["any statement", "before a commit", "after a commit"])
def test_a_batch_that_gets_over_its_faults_ends_whole_and_says_no_value(
    warehouse: Warehouse,
    unsteady: Warehouse,
    faults: Faults,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    moment: str,
    loses: bool,
) -> None:
    caplog.set_level(logging.DEBUG)
    faults.loses = loses
    nths = range(3, 60, 19) if moment == "any statement" else [0]
    for nth in nths:
        if moment == "any statement":
            faults.execute_in = nth
        else:
            faults.commit = moment.split(maxsplit=1)[0]
        line = load(unsteady, Planted(), attempt={"run_id": f"{moment} {nth}"})
        assert (faults.execute_in, faults.commit) == (None, None), "the fault came"
        assert (line["records_settled"], line["records_rejected"]) == (len(KEYS), 1)
        assert PLANTED not in repr(line)
    assert (count(warehouse, "person"), verify(warehouse, "toy", people())) == (len(KEYS) - 1, [])
    assert PLANTED not in caplog.text + "".join(capfd.readouterr()) + kept(warehouse)


@pytest.mark.parametrize("nth", [12, 30])
@pytest.mark.parametrize("loses", [False, True], ids=["connection stays", "connection lost"])
def test_a_batch_that_fails_for_good_says_the_class_of_its_error_and_no_value(
    warehouse: Warehouse,
    unsteady: Warehouse,
    faults: Faults,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    nth: int,
    loses: bool,
) -> None:
    caplog.set_level(logging.DEBUG)
    faults.error, faults.execute_in = fatal(warehouse.name), nth
    faults.loses = loses
    with pytest.raises(HeadraceError, match=r"OperationalError (SQLITE_ERROR|102)") as caught:
        load(unsteady, Planted())
    said = everything_said(caught.value) + caplog.text + "".join(capfd.readouterr()) + kept(warehouse)
    assert PLANTED not in said
    assert verify(warehouse, "toy", people()) == []
