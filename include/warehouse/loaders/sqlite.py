"""Loads SQLite with as few calls as can be.

The driver gives the interpreter's lock away at every step of a statement, and beside a busy thread
waits up to 5 ms to get it back: `executemany` falls to 540 rows/s there, and a SELECT of many rows
pays for each row. So a table's rows go in one statement, and what is read comes as one JSON text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any

import sqlalchemy as sa

from include.engine.model import Key, Row
from include.warehouse.delete_path import DeletePath
from include.warehouse.table_name import TableName

MAX_VARIABLES = 32_766
"""SQLite's default bound of parameters a statement."""

_UTC_NOW = "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')"
_KEYS = "SELECT value FROM json_each(?)"


def quote(identifier: str) -> str:
    """Standard quotes; `Target` refuses names that hold one."""
    return f'"{identifier}"'


def _place(name: TableName) -> str:
    # There are no schemas.
    return quote(name.name)


class SqliteLoader:
    """Caches statement texts, which SQLite's own cache is keyed by. Used by one thread at a time."""

    def __init__(self) -> None:
        self._texts: dict[tuple[str, str], str] = {}

    def lock_target(self, connection: sa.Connection, pipeline: str, target: str) -> None:
        """Nothing to do: BEGIN IMMEDIATE holds the one lock there is."""

    def utc_now(self, connection: sa.Connection) -> datetime:
        """To the millisecond."""
        return datetime.fromisoformat(connection.exec_driver_sql(_UTC_NOW).scalar_one())

    def select(
        self,
        connection: sa.Connection,
        table: sa.Table,
        columns: Sequence[str],
        owner: tuple[str, str],
        keys: list[str],
        *,
        to_write: bool = True,
    ) -> list[tuple[Any, ...]]:
        """By the primary key, all keys in one parameter, all lines in one value."""
        del to_write  # BEGIN IMMEDIATE holds the one lock there is
        text = (
            f"SELECT json_group_array(json_array({', '.join(map(quote, columns))})) "  # noqa: S608 - declared names, quoted
            f"FROM {quote(table.name)} WHERE record_key IN ({_KEYS}) AND pipeline = ? AND target = ?"
        )
        found = connection.exec_driver_sql(text, (json.dumps(keys), *owner)).scalar_one()
        return [tuple(line) for line in json.loads(found)]

    def delete(self, connection: sa.Connection, paths: Sequence[DeletePath], keys: Sequence[Key]) -> None:
        """One statement a table, all keys in one parameter; one look first, since most keys are new."""
        parameter = (json.dumps(list(keys)),)
        look = self._once("look", ",".join(path.table for path in paths), lambda: _look_text(paths))
        if not connection.exec_driver_sql(look, parameter * len(paths)).scalar_one():
            return
        for path in paths:
            connection.exec_driver_sql(self._once("delete", path.table, partial(_delete_text, path)), parameter)

    def insert(self, connection: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
        """In one statement, where the bound of parameters allows."""
        self._in_chunks(connection, table, rows, _insert_text)

    def upsert(self, connection: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
        """As `insert`; the primary key decides."""
        self._in_chunks(connection, table, rows, _upsert_text)

    def _in_chunks(
        self, connection: sa.Connection, table: sa.Table, rows: Sequence[Row], text_of: Callable[[sa.Table, int], str]
    ) -> None:
        width = len(table.columns)
        most = max(1, (MAX_VARIABLES - 1) // width)
        for start in range(0, len(rows), most):
            chunk = rows[start : start + most]
            places = min(places_for(len(chunk)), most)
            text = self._once(f"{text_of.__name__} {places}", table.name, partial(text_of, table, places))
            padding = (None,) * (width * (places - len(chunk)))
            connection.exec_driver_sql(text, (*chain.from_iterable(chunk), *padding, len(chunk)))

    def _once(self, kind: str, table: str, make: Callable[[], str]) -> str:
        text = self._texts.get((kind, table))
        if text is None:
            text = self._texts[kind, table] = make()
        return text


def places_for(count: int) -> int:
    """Rows that a statement has room for: a few sizes, so that few texts are parsed; at most an eighth is padding."""
    step = 1 << max(0, count.bit_length() - 4)
    return -(-count // step) * step


def _look_text(paths: Sequence[DeletePath]) -> str:
    looks = [
        f"EXISTS (SELECT 1 FROM {quote(path.table)} WHERE {path.condition(_KEYS, quote, _place)})"  # noqa: S608 - as above
        for path in paths
    ]
    return f"SELECT {' OR '.join(looks)}"


def _delete_text(path: DeletePath) -> str:
    return f"DELETE FROM {quote(path.table)} WHERE {path.condition(_KEYS, quote, _place)}"  # noqa: S608 - as above


def _insert_text(table: sa.Table, places: int) -> str:
    names = ", ".join(quote(column.name) for column in table.columns)
    row = f"({', '.join('?' * len(table.columns))})"
    values = ", ".join([row] * places)
    # LIMIT leaves the padding out; WHERE keeps a following ON CONFLICT from being read as a join's.
    return f"INSERT INTO {quote(table.name)} ({names}) SELECT * FROM (VALUES {values}) WHERE true LIMIT ?"  # noqa: S608 - as above


def _upsert_text(table: sa.Table, places: int) -> str:
    key = ", ".join(quote(column.name) for column in table.primary_key)
    values = [quote(column.name) for column in table.columns if not column.primary_key]
    changes = ", ".join(f"{name} = excluded.{name}" for name in values)
    return f"{_insert_text(table, places)} ON CONFLICT ({key}) DO UPDATE SET {changes}"
