from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pymssql
import pytest

from include.warehouse.connection import Warehouse, sqlite_warehouse
from include.warehouse.target import Target
from tests.fixtures.t_sql_server import clean, emptied_server
from tests.include.warehouse.fake_mssql import FakeServer
from tests.include.warehouse.toy_people import Loading, execute, people


@pytest.fixture(params=["sqlite", pytest.param("mssql", marks=pytest.mark.mssql)])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Warehouse:
    if request.param == "sqlite":
        return sqlite_warehouse(tmp_path / "warehouse.db")
    return emptied_server()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    """In place of what pymssql would connect to."""
    fake = FakeServer()
    monkeypatch.setattr(pymssql, "connect", fake.connect)
    return fake


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
