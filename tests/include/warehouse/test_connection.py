from __future__ import annotations

import sqlite3

import pytest

from include.engine.errors import SettingsError
from include.warehouse.connection import Warehouse
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
