"""Airflow connections turned into warehouses, into clients of S3, and into the parts of a service.

The one module below the operators that knows Airflow, so that operators and commands find a connection the same way.
Import it where it is used: Airflow takes seconds to load, and benchmarks and worker processes need none of it.

A connection is looked up once, in the main thread, before any thread starts: look-ups serialise at about ten
milliseconds each, and one that a timeout interrupts puts every later reply off by one.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airflow.sdk import BaseHook, Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from include.engine.errors import SettingsError
from include.warehouse.connection import Warehouse, sqlite_warehouse
from include.warehouse.mssql_options import driver_options

S3_CONNECT_S, S3_READ_S = 5.0, 15.0
"""The longest silences of the store: a task that is told to stop waits for them."""


def open_warehouse(conn_id: str, *, create_tables: bool = True) -> Warehouse:
    """The database behind a connection of type `mssql` or `sqlite` (host or path: the file's absolute path).

    What the extras of an `mssql` connection may say stands in `mssql_options`.
    Raises `SettingsError` for one that is not there or cannot serve.
    """
    connection = _look_up(conn_id)
    if connection.conn_type == "mssql":
        return _mssql(connection, create_tables=create_tables)
    path = _sqlite_path(connection)
    if not path.parent.is_dir():
        raise SettingsError(f"connection {conn_id}: there is no folder {path.parent}")
    return sqlite_warehouse(path, create_tables=create_tables)


def open_source(conn_id: str) -> Warehouse:
    """As `open_warehouse`, for a database that is only read: a SQLite file must be there, and is not changed."""
    return _opened_to_read(_look_up(conn_id))


def open_in_terminal(conn_id: str) -> Warehouse:
    """As `open_source`, for a program that no task runs: Airflow's own database is asked too.

    In a task that is the API server's part, so the SDK leaves it out.
    """
    from airflow.models import Connection as Stored  # noqa: PLC0415 - tasks must not load the server's models

    return _opened_to_read(_look_up(conn_id, Stored.get_connection_from_secrets))


def open_s3(conn_id: str) -> Any:  # noqa: ANN401 - boto3's clients have no annotations
    """A boto3 client of S3 behind a connection of type `aws`, safe to share between threads; it does not retry.

    Raises `SettingsError` for a connection that is not there: the provider would take the machine's own credentials.
    """
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook  # noqa: PLC0415 - boto3 loads where used
    from botocore.config import Config  # noqa: PLC0415 - as above

    connection = _found(conn_id, BaseHook.get_connection)
    if connection.conn_type != "aws":
        raise SettingsError(f"connection {conn_id} has type {connection.conn_type!r}: use aws")
    # Version 4 signs the host too, so that a link opens nothing elsewhere, and is all that newer regions take.
    config = Config(
        signature_version="s3v4",
        connect_timeout=S3_CONNECT_S,
        read_timeout=S3_READ_S,
        retries={"total_max_attempts": 1},
    )
    return S3Hook(aws_conn_id=conn_id, config=config).get_conn()


def _opened_to_read(connection: Connection) -> Warehouse:
    if connection.conn_type == "mssql":
        return _mssql(connection, create_tables=False)
    path = _sqlite_path(connection)
    if not path.is_file():
        raise SettingsError(f"connection {connection.conn_id}: there is no file {path}")
    return Warehouse("sqlite", lambda: _read_only(path), create_tables=False)


@dataclass(frozen=True, slots=True)
class ServiceParts:
    """What a connection says about a service that a pipeline asks; `repr` shows no secret."""

    host: str | None
    port: int | None
    schema: str | None
    login: str | None
    password: str | None = field(repr=False)
    extra: str | None = field(repr=False)
    """JSON text."""


def service_parts(conn_id: str) -> ServiceParts:
    """The parts of a connection of any type, as plain values; raises `SettingsError` for one that is not there."""
    found = _found(conn_id, BaseHook.get_connection)
    return ServiceParts(found.host, found.port, found.schema, found.login, found.password, found.extra)


def _look_up(conn_id: str, get: Callable[[str], Any] = BaseHook.get_connection) -> Connection:
    connection = _found(conn_id, get)
    if connection.conn_type not in ("mssql", "sqlite"):
        raise SettingsError(f"connection {conn_id} has type {connection.conn_type!r}: use mssql, or sqlite on a laptop")
    return connection


def _found(conn_id: str, get: Callable[[str], Any]) -> Connection:
    try:
        connection: Connection = get(conn_id)
    except AirflowNotFoundException:
        raise SettingsError(
            f"connection {conn_id} is not there: add it in the UI, or set AIRFLOW_CONN_{conn_id.upper()}"
        ) from None
    return connection


def _sqlite_path(connection: Connection) -> Path:
    path = Path(connection.host or connection.schema or "")
    if not path.is_absolute():
        raise SettingsError(f"connection {connection.conn_id}: give the absolute path of the SQLite file as its host")
    return path


def _read_only(path: Path) -> sqlite3.Connection:
    # One thread at a time uses a connection, not always the one that opened it.
    return sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=0.25, check_same_thread=False)


def _mssql(connection: Connection, *, create_tables: bool) -> Warehouse:
    from airflow.providers.microsoft.mssql.hooks.mssql import MsSqlHook  # noqa: PLC0415 - pymssql loads where used

    options, schema = driver_options(connection.conn_id, connection.extra_dejson)
    # The hook hands the extras to the driver as they are, and makes "None" of a port that is not given.
    complete = Connection(
        conn_id=connection.conn_id,
        conn_type="mssql",
        host=connection.host,
        login=connection.login,
        password=connection.password,
        schema=connection.schema,
        port=connection.port or 1433,
        extra=json.dumps(options),
    )
    hook = MsSqlHook(mssql_conn_id=connection.conn_id, connection=complete)
    return Warehouse("mssql", hook.get_conn, schema=schema, create_tables=create_tables, conn_id=connection.conn_id)
