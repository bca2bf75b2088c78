from __future__ import annotations

from pathlib import Path

import pytest

from include.warehouse.connection import Warehouse, sqlite_warehouse
from tests.fixtures.t_sql_server import emptied_server, is_babelfish


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return sqlite_warehouse(tmp_path / "warehouse.sqlite")


@pytest.fixture(params=["sqlite", pytest.param("mssql", marks=pytest.mark.mssql)])
def any_warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Warehouse:
    """Of each dialect."""
    return sqlite_warehouse(tmp_path / "any.sqlite") if request.param == "sqlite" else emptied_server()


@pytest.fixture
def exact_warehouse(any_warehouse: Warehouse) -> Warehouse:
    """Of each dialect, where texts that hold quotes come back as they were."""
    if any_warehouse.name == "mssql" and is_babelfish(any_warehouse):
        pytest.skip("Babelfish's OPENJSON leaves escapes as they are, so it cannot hold JSON")
    return any_warehouse
