"""Other ways to move rows to SQL Server, kept to be measured beside `OPENJSON`; no pipeline loads by them.

All take wire values (see `encoders`), binary ones left out: numerics and times are text there, so that no way may
round them on its path. `mssql` says why the choice stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain

import sqlalchemy as sa

from include.engine.model import Row
from include.warehouse.loaders.mssql import MssqlLoader
from include.warehouse.table_name import TableName

ROWS_A_STATEMENT = 1_000
"""SQL Server takes no more in one VALUES."""

STAGING = "#headrace_staging"

Way = Callable[[sa.Connection, sa.Table, Sequence[Row]], None]
"""Inserts rows of all columns in declared order, within the caller's transaction."""


def quote(identifier: str) -> str:
    """As T-SQL quotes; the names are declared ones."""
    return f"[{identifier}]"


def unqualified(name: TableName) -> str:
    """Of a temporary table, which stands in no schema of the database's."""
    return quote(name.name)


def by_openjson(connection: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    """What pipelines do."""
    MssqlLoader(unqualified).insert(connection, table, rows)


def by_values(connection: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    """Many rows a statement; the driver writes each value into the text."""
    place = f"({', '.join(['%s'] * len(table.columns))})"
    for start in range(0, len(rows), ROWS_A_STATEMENT):
        chunk = rows[start : start + ROWS_A_STATEMENT]
        text = f"INSERT INTO {quote(table.name)} ({names(table)}) VALUES {', '.join([place] * len(chunk))}"  # noqa: S608 - declared names, quoted
        connection.exec_driver_sql(text, tuple(chain.from_iterable(chunk)))


def by_executemany(connection: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    """The driver sends a statement a row."""
    places = ", ".join(["%s"] * len(table.columns))
    text = f"INSERT INTO {quote(table.name)} ({names(table)}) VALUES ({places})"  # noqa: S608 - as above
    connection.exec_driver_sql(text, [tuple(row) for row in rows])


def by_bulk_copy(connection: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    """Into a temporary table of the same columns, and from there."""
    for text in staging(table)[:1]:
        connection.exec_driver_sql(text)
    driver = connection.connection.driver_connection
    if driver is None:
        raise AssertionError("an open connection has a driver's")
    driver.bulk_copy(STAGING, [tuple(row) for row in rows], batch_size=len(rows))
    for text in staging(table)[1:]:
        connection.exec_driver_sql(text)


def staging(table: sa.Table) -> tuple[str, str, str]:
    """What stands around a bulk copy: make the temporary table, empty it into the real one, drop it."""
    return (
        f"SELECT TOP 0 {names(table)} INTO [{STAGING}] FROM {quote(table.name)}",  # noqa: S608 - as above
        f"INSERT INTO {quote(table.name)} ({names(table)}) SELECT {names(table)} FROM [{STAGING}]",  # noqa: S608 - as above
        f"DROP TABLE [{STAGING}]",
    )


def names(table: sa.Table) -> str:
    """Columns in declared order."""
    return ", ".join(quote(column.name) for column in table.columns)


WAYS: Mapping[str, Way] = {
    "OPENJSON": by_openjson,
    "multi-row VALUES": by_values,
    "executemany": by_executemany,
    "bulk copy": by_bulk_copy,
}
"""The pipelines' own first; bulk copy last, since a server that cannot may drop the connection over it."""
