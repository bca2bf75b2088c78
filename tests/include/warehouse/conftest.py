from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import pymssql
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.mssql.pymssql import MSDialect_pymssql

from include.warehouse.connection import Warehouse, sqlite_warehouse
from include.warehouse.target import Target
from tests.include.warehouse.toy_people import Loading, execute, people

MSSQL_URI = os.environ.get("HEADRACE_TEST_MSSQL_URI", "")


def mssql_warehouse(uri: str) -> Warehouse:
    parts = urlsplit(uri)

    def connect() -> Any:
        return pymssql.connect(
            server=parts.hostname,
            port=str(parts.port or 1433),
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            database=parts.path.lstrip("/"),
            login_timeout=10,
            timeout=60,
        )

    return Warehouse("mssql", connect)


def bear_babelfish(monkeypatch: pytest.MonkeyPatch) -> None:
    """Babelfish answers no to three questions that SQLAlchemy asks of every new SQL Server, and aborts."""
    known = MSDialect_pymssql._get_server_version_info
    monkeypatch.setattr(
        MSDialect_pymssql, "_get_server_version_info", lambda self, c: known(self, c) or (15, 0, 2000, 8)
    )
    monkeypatch.setattr(MSDialect_pymssql, "_setup_supports_comments", lambda self, c: None)
    monkeypatch.setattr(MSDialect_pymssql, "get_isolation_level", lambda self, c: "READ COMMITTED")


def clean(warehouse: Warehouse) -> None:
    """Drop every table, children first."""

    def work(connection: sa.Connection) -> None:
        tables = "SELECT SCHEMA_NAME(schema_id), name FROM sys.tables"
        keys = (
            "SELECT SCHEMA_NAME(t.schema_id), t.name, f.name FROM sys.foreign_keys AS f "
            "INNER JOIN sys.tables AS t ON t.object_id = f.parent_object_id"
        )
        for schema, table, key in connection.exec_driver_sql(keys).all():
            connection.exec_driver_sql(f"ALTER TABLE [{schema}].[{table}] DROP CONSTRAINT [{key}]")
        for schema, table in connection.exec_driver_sql(tables).all():
            connection.exec_driver_sql(f"DROP TABLE [{schema}].[{table}]")

    warehouse.transact("clean", work)


@pytest.fixture(params=["sqlite", pytest.param("mssql", marks=pytest.mark.mssql)])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    if request.param == "sqlite":
        return sqlite_warehouse(tmp_path / "warehouse.db")
    bear_babelfish(monkeypatch)
    server = mssql_warehouse(MSSQL_URI)
    clean(server)
    return server


@pytest.fixture
def new_schema(warehouse: Warehouse) -> Iterator[Callable[[], str]]:
    """Names that no other test has; whatever was created under them goes at the end."""
    names: list[str] = []

    def name() -> str:
        names.append(f"hr_{uuid4().hex[:12]}")
        return names[-1]

    yield name
    if warehouse.name == "mssql":
        clean(warehouse)
        for schema in names:
            execute(warehouse, f"IF SCHEMA_ID('{schema}') IS NOT NULL DROP SCHEMA [{schema}]")


@pytest.fixture
def load(warehouse: Warehouse) -> Iterator[Callable[..., Loading]]:
    """Opens attempts on the people target; their connections are closed at the end."""
    opened: list[Loading] = []

    def start(target: Target | None = None, on: Warehouse | None = None, **changes: Any) -> Loading:
        opened.append(Loading(on or warehouse, target or people(), **changes))
        return opened[-1]

    yield start
    for loading in opened:
        loading.sink.close()
