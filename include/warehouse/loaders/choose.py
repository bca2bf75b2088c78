"""Which loader a warehouse uses."""

from __future__ import annotations

from include.warehouse.connection import Warehouse
from include.warehouse.loaders.loader import Loader
from include.warehouse.loaders.mssql import MssqlLoader
from include.warehouse.loaders.sqlite import SqliteLoader


def loader_for(warehouse: Warehouse) -> Loader:
    """A new one: loaders are for one thread at a time."""
    return SqliteLoader() if warehouse.name == "sqlite" else MssqlLoader(warehouse.qualify)
