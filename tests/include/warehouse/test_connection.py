from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from include.engine.errors import BatchStopped, SettingsError
from include.warehouse.connection import Warehouse, sqlite_warehouse
from include.warehouse.table_name import TableName


def never() -> sqlite3.Connection:
    raise AssertionError("nothing here needs a connection")


@pytest.mark.parametrize(
    ("dialect", "own", "declared", "place", "quoted"),
    [
        ("mssql", "stage", None, "loan", "[stage].[loan]"),
        ("mssql", "stage", "stage", "loan", "[stage].[loan]"),
        ("mssql", "stage", "STAGE", "loan", "[STAGE].[loan]"),
        ("mssql", "stage", "mart", "mart.loan", "[mart].[loan]"),
        ("mssql", None, "mart", "mart.loan", "[mart].[loan]"),
        ("mssql", None, None, "loan", "[loan]"),
        ("sqlite", None, None, "loan", '"loan"'),
        ("sqlite", None, "mart", "loan", '"loan"'),
    ],
)
def test_a_table_stands_in_its_own_schema_or_the_connections_and_on_sqlite_in_none(
    dialect: str, own: str | None, declared: str | None, place: str, quoted: str
) -> None:
    warehouse = Warehouse(dialect, never, schema=own)
    name = TableName(declared, "loan")
    assert str(warehouse.place(name)) == place
    assert warehouse.qualify(name) == quoted


def test_sqlite_takes_no_schema_for_the_house_tables() -> None:
    with pytest.raises(SettingsError, match="SQLite has no schemas"):
        Warehouse("sqlite", never, schema="stage")


def test_a_warehouse_that_obeys_ends_the_wait_for_another_and_the_one_it_is_of_still_works(tmp_path: Path) -> None:
    stop = threading.Event()
    warehouse = sqlite_warehouse(tmp_path / "w.db")
    obedient = warehouse.obeying(stop)
    warehouse.transact("begin", lambda connection: connection.exec_driver_sql("CREATE TABLE held (n)"))
    with closing(sqlite3.connect(tmp_path / "w.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        stopping = threading.Timer(0.1, stop.set)
        stopping.start()
        with pytest.raises(BatchStopped, match="while waiting for the warehouse"):
            obedient.transact("write", lambda connection: connection.exec_driver_sql("DELETE FROM held"))
        stopping.join()
    assert warehouse.transact("look", lambda connection: connection.exec_driver_sql("DELETE FROM held").rowcount) == 0
    with pytest.raises(BatchStopped), obedient.connect() as connection, obedient.transaction(connection, "look"):
        raise AssertionError("told to stop before it began")
