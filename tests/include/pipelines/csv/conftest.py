from __future__ import annotations

from pathlib import Path

import pytest

from include.warehouse.connection import Warehouse, sqlite_warehouse
from tests.fixtures.t_sql_server import emptied_server


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return sqlite_warehouse(tmp_path / "warehouse.sqlite")


@pytest.fixture(params=["sqlite", pytest.param("mssql", marks=pytest.mark.mssql)])
def any_warehouse(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """Of each dialect."""
    return sqlite_warehouse(tmp_path / "any.sqlite") if request.param == "sqlite" else emptied_server(monkeypatch)
