"""Airflow connections turned into what the warehouse layer needs: a dialect and a way to connect.

A connection is looked up once, in the main thread, before any thread starts: look-ups serialise at about ten
milliseconds each, and one that a timeout interrupts puts every later reply off by one.
"""

from __future__ import annotations

from airflow.sdk import BaseHook, Connection

from include.engine.errors import SettingsError
from include.warehouse.connection import Warehouse, sqlite_warehouse


def open_warehouse(conn_id: str, *, create_tables: bool = True) -> Warehouse:
    """The database behind a connection of type `mssql` or `sqlite` (host or path: the file's absolute path)."""
    connection: Connection = BaseHook.get_connection(conn_id)
    match connection.conn_type:
        case "sqlite":
            return sqlite_warehouse(_sqlite_path(connection), create_tables=create_tables)
        case "mssql":
            return _mssql_warehouse(connection, create_tables=create_tables)
        case other:
            raise SettingsError(f"connection {conn_id} has type {other!r}: use mssql, or sqlite on a laptop")


def _sqlite_path(connection: Connection) -> str:
    path = connection.host or connection.schema or ""
    if not path.startswith("/"):
        raise SettingsError(f"connection {connection.conn_id}: give the absolute path of the SQLite file as its host")
    return path


def _mssql_warehouse(connection: Connection, *, create_tables: bool) -> Warehouse:
    from airflow.providers.microsoft.mssql.hooks.mssql import MsSqlHook  # noqa: PLC0415 - pymssql loads where used

    hook = MsSqlHook(mssql_conn_id=connection.conn_id, connection=connection)
    return Warehouse("mssql", hook.get_conn, create_tables=create_tables)
