"""The T-SQL that loads, compares and locks, generated from the declared tables.

With `mssql_server` (sessions, questions to the server) and `mssql_rivals` (other ways to load, only measured) this is
all hand-written T-SQL of the project.

A chunk of rows travels as one JSON text, shredded by `OPENJSON … WITH` inside the caller's transaction. In the WITH
clause character columns are nvarchar(max), since a narrower type cuts silently; numerics travel as JSON strings and
binary as base64. Why this way, of those that `python -m tests.benchmarks.mssql_loaders` measures side by side:

- one statement with one literal to compile, whatever the rows: multi-row VALUES has one a value and takes 1,000 rows
  at most, and moved a seventh to a quarter as many rows a second on the T-SQL server of the measurement (a table of
  figures stands beside it);
- one round trip: `executemany` is a statement a row, and moved a tenth to a seventh;
- on the caller's connection and in its transaction, without a staging table: bulk copy needs one, and under
  autocommit can leave half a load;
- exact: bulk copy and the driver's parameters cut times to milliseconds.

No MERGE (it races, and needs hints of its own), no IGNORE_DUP_KEY (it would hide constraint violations).

pymssql reads every `%s` in a text as a placeholder and does not unescape `%%`: no other `%` may stand here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from include.engine.errors import TransientError
from include.engine.model import Key, Row
from include.warehouse.column_types import KEY_COLLATION, TinyInteger
from include.warehouse.delete_path import DeletePath
from include.warehouse.table_name import TableName
from include.warehouse.target import IDENTITY_INSERT

CHUNK_BYTES = 8 * 1024 * 1024
"""Of one statement's JSON as it travels, two bytes a UTF-16 unit; a single larger row travels alone."""

CHUNK_ROWS = 3_000
"""Of one statement, and keys: from 5,000 locks on, of rows and of their pages, SQL Server locks the whole table, also
against readers."""

APPLICATION_LOCK = (
    "DECLARE @granted int; "
    "EXEC @granted = sp_getapplock @Resource = %s, @LockMode = 'Exclusive', "
    "@LockOwner = 'Transaction', @LockTimeout = 30000; "
    "SELECT @granted AS granted"
)
"""Below 0: not granted. Ends with the transaction."""

UTC_NOW = "SELECT CONVERT(nvarchar(26), SYSUTCDATETIME(), 126) AS utc_now"
"""As text, since drivers cut times to milliseconds."""

HAS_IDENTITY = (
    "SELECT COUNT(*) AS has_identity FROM sys.columns AS c WHERE c.object_id = OBJECT_ID(%s) AND c.is_identity = 1"
)
"""1 where a column of the table numbers itself: only there may IDENTITY_INSERT be set."""

PROBE = "SELECT j.n, j.t FROM OPENJSON(N'[[1, \"\\n\"]]') WITH (n int '$[0]', t nvarchar(max) '$[1]') AS j"
"""Fails below compatibility level 130; gives 1 and a line end where JSON is shredded as it must be."""

SCHEMA_ID = "SELECT SCHEMA_ID(%s) AS schema_id"
"""NULL where there is none, or none that the login may see."""

_NAMED = (
    "INNER JOIN OPENJSON(%s) WITH (n int '$[0]', s nvarchar(128) '$[1]', t nvarchar(128) '$[2]') AS j "
    "ON t.object_id = OBJECT_ID(QUOTENAME(j.s) + N'.' + QUOTENAME(j.t))"
)
"""Tables by (position, schema, name): only the server knows which spellings are one name. To compare texts would fail
where the catalog's collation is not the database's, as in contained databases and in Azure."""

COLUMNS_OF = (
    "SELECT j.n, c.name, c.is_nullable, y.name, c.max_length, c.precision, c.scale "  # noqa: S608 - constants
    f"FROM sys.tables AS t {_NAMED} INNER JOIN sys.columns AS c ON c.object_id = t.object_id "
    "INNER JOIN sys.types AS y ON y.user_type_id = c.user_type_id"
)

PRIMARY_KEYS_OF = (
    f"SELECT j.n, c.name FROM sys.tables AS t {_NAMED} "  # noqa: S608 - constants
    "INNER JOIN sys.indexes AS i ON i.object_id = t.object_id AND i.is_primary_key = 1 "
    "INNER JOIN sys.index_columns AS k ON k.object_id = i.object_id AND k.index_id = i.index_id "
    "INNER JOIN sys.columns AS c ON c.object_id = k.object_id AND c.column_id = k.column_id "
    "ORDER BY j.n, k.key_ordinal"
)

FOREIGN_KEYS_IN = (
    f"SELECT SCHEMA_NAME(c.schema_id), c.name, j.n FROM sys.tables AS t {_NAMED} "  # noqa: S608 - constants
    "INNER JOIN sys.foreign_keys AS f ON f.referenced_object_id = t.object_id "
    "INNER JOIN sys.tables AS c ON c.object_id = f.parent_object_id"
)
"""Schema and name of the child, position of the parent."""

_NUMBER_KEYS = "SELECT j.k FROM OPENJSON(%s) WITH (k bigint '$[0]') AS j"
_TEXT_KEYS = f"SELECT j.k COLLATE {KEY_COLLATION} FROM OPENJSON(%s) WITH (k nvarchar(200) '$[0]') AS j"  # noqa: S608 - constants

_SHRED_TYPES: tuple[tuple[Any, str], ...] = (
    (sa.String, "nvarchar(max)"),
    (TinyInteger, "tinyint"),
    (sa.SmallInteger, "smallint"),
    (sa.BigInteger, "bigint"),
    (sa.Integer, "int"),
    (sa.Float, "float"),
    (sa.Boolean, "bit"),
    (sa.Date, "date"),
    (sa.Uuid, "uniqueidentifier"),
    (sa.LargeBinary, "varbinary(max)"),
)


def shred_type(type_: sa.types.TypeEngine[Any]) -> str:
    """The type in a WITH clause: exact, and never narrower than what JSON brings."""
    if isinstance(type_, sa.DateTime):
        return "datetimeoffset(6)" if type_.timezone else "datetime2(6)"
    if isinstance(type_, sa.Numeric) and not isinstance(type_, sa.Float):
        return f"decimal({type_.precision}, {type_.scale or 0})"
    return next(text for family, text in _SHRED_TYPES if isinstance(type_, family))


class MssqlLoader:
    """Generates each statement once. Used by one thread at a time.

    One application lock a target serialises its commits, which are short: no deadlock between
    commits, no lost update, whatever order the keys come in. Reads in workers stay parallel.
    """

    def __init__(self, qualify: Callable[[TableName], str]) -> None:
        self._qualify = qualify
        self._texts: dict[tuple[str, TableName], str] = {}
        self._identities: dict[TableName, bool] = {}

    def lock_target(self, connection: sa.Connection, pipeline: str, target: str) -> None:
        """Raises `TransientError` after 30 s."""
        # The resource takes 255 characters: names are hashed.
        digest = hashlib.sha256(f"{pipeline}\0{target}".encode()).hexdigest()
        granted = connection.exec_driver_sql(APPLICATION_LOCK, (f"headrace:{digest}",)).scalar_one()
        if granted < 0:
            raise TransientError(f"the lock of target {target} was not granted: {granted}")

    def utc_now(self, connection: sa.Connection) -> datetime:
        """To the microsecond."""
        return datetime.fromisoformat(connection.exec_driver_sql(UTC_NOW).scalar_one())

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
        """To write, UPDLOCK and HOLDLOCK guard the lines, also those that are not there yet."""
        kind = f"select {to_write} {','.join(columns)}"
        text = self._once(kind, table, lambda: self._select_text(table, columns, to_write=to_write))
        found: list[tuple[Any, ...]] = []
        for chunk in key_chunks(keys):
            found += map(tuple, connection.exec_driver_sql(text, (*owner, chunk)))
        return found

    def delete(self, connection: sa.Connection, paths: Sequence[DeletePath], keys: Sequence[Key]) -> None:
        """Table by table: a parent may go only after the children of all keys."""
        keys_query = _NUMBER_KEYS if isinstance(keys[0], int) else _TEXT_KEYS
        chunks = list(key_chunks(keys))
        for path in paths:
            condition = path.condition(keys_query, _quote, self._qualify)
            text = f"DELETE FROM {self._qualify(path.name)} WHERE {condition}"  # noqa: S608 - declared names, quoted
            for chunk in chunks:
                connection.exec_driver_sql(text, (chunk,))

    def insert(self, connection: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
        """In chunks of a few megabytes."""
        text = self._once("insert", table, lambda: self._insert_text(table))
        with self._identity_insert(connection, table):
            for chunk in json_chunks(rows):
                connection.exec_driver_sql(text, (chunk,))

    def upsert(self, connection: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
        """UPDATE, then INSERT of what was not there; safe under the target's lock."""
        text = self._once("upsert", table, lambda: self._upsert_text(table))
        for chunk in json_chunks(rows):
            connection.exec_driver_sql(text, (chunk,))

    @contextmanager
    def _identity_insert(self, connection: sa.Connection, table: sa.Table) -> Iterator[None]:
        """Rows bring the values of an IDENTITY, where the declaration says so and the table has one.

        It is on for one table a session at most, also after a rollback, so it goes off whatever happens.
        """
        if not table.info.get(IDENTITY_INSERT) or not self._has_identity(connection, table):
            yield
            return
        switch = f"SET IDENTITY_INSERT {self._place(table)}"
        connection.exec_driver_sql(f"{switch} ON")
        try:
            yield
        except BaseException:
            with suppress(sa.exc.DBAPIError):  # a lost session has forgotten it, and the first error says more
                connection.exec_driver_sql(f"{switch} OFF")
            raise
        connection.exec_driver_sql(f"{switch} OFF")

    def _has_identity(self, connection: sa.Connection, table: sa.Table) -> bool:
        """Tables that were created from the declaration have none: every value comes in the row."""
        name = TableName.of(table)
        if name not in self._identities:
            found = connection.exec_driver_sql(HAS_IDENTITY, (self._qualify(name),)).scalar()
            self._identities[name] = found == 1
        return self._identities[name]

    def _place(self, table: sa.Table) -> str:
        return self._qualify(TableName.of(table))

    def _once(self, kind: str, table: sa.Table, make: Callable[[], str]) -> str:
        place = (kind, TableName.of(table))
        if place not in self._texts:
            self._texts[place] = make()
        return self._texts[place]

    def _select_text(self, table: sa.Table, columns: Sequence[str], *, to_write: bool) -> str:
        names = ", ".join(f"t.{_quote(column)}" for column in columns)
        locks = " WITH (UPDLOCK, HOLDLOCK)" if to_write else ""
        return (
            f"SELECT {names} FROM {self._place(table)} AS t{locks} "  # noqa: S608 - as above
            f"WHERE t.[pipeline] = %s AND t.[target] = %s AND t.[record_key] IN ({_TEXT_KEYS})"
        )

    def _insert_text(self, table: sa.Table) -> str:
        names = [_quote(column.name) for column in table.columns]
        return (
            f"INSERT INTO {self._place(table)} ({', '.join(names)}) "  # noqa: S608 - as above
            f"SELECT {', '.join(f'j.{name}' for name in names)} FROM OPENJSON(%s) WITH ({_with_clause(table)}) AS j"
        )

    def _upsert_text(self, table: sa.Table) -> str:
        names = [_quote(column.name) for column in table.columns]
        changes = ", ".join(f"t.{_quote(c.name)} = j.{_quote(c.name)}" for c in table.columns if not c.primary_key)
        same = " AND ".join(_same(column) for column in table.primary_key)
        place, shredded = self._place(table), f"OPENJSON(@rows) WITH ({_with_clause(table)}) AS j"
        return (
            f"DECLARE @rows nvarchar(max) = %s; "  # noqa: S608 - as above
            f"UPDATE t SET {changes} FROM {place} AS t INNER JOIN {shredded} ON {same}; "
            f"INSERT INTO {place} ({', '.join(names)}) "
            f"SELECT {', '.join(f'j.{name}' for name in names)} FROM {shredded} "
            f"WHERE NOT EXISTS (SELECT 1 FROM {place} AS t WITH (UPDLOCK, HOLDLOCK) WHERE {same})"
        )


def _same(column: sa.Column[Any]) -> str:
    collation = f" COLLATE {KEY_COLLATION}" if isinstance(column.type, sa.String) else ""
    return f"t.{_quote(column.name)} = j.{_quote(column.name)}{collation}"


def _with_clause(table: sa.Table) -> str:
    return ", ".join(
        f"{_quote(column.name)} {shred_type(column.type)} '$[{position}]'"
        for position, column in enumerate(table.columns)
    )


def _quote(identifier: str) -> str:
    return f"[{identifier}]"


def key_chunks(keys: Sequence[Key]) -> Iterator[str]:
    """As `json_chunks`: each key in an array of its own, for the same path as rows have."""
    return json_chunks([(key,) for key in keys])


def json_chunks(rows: Sequence[Row]) -> Iterator[str]:
    """JSON arrays of rows, each of `CHUNK_ROWS` at most, and up to `CHUNK_BYTES` large where a row allows."""
    waiting: list[str] = []
    size = 0
    for row in rows:
        text = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
        row_size = wire_bytes(text)
        if waiting and (size + row_size > CHUNK_BYTES or len(waiting) == CHUNK_ROWS):
            yield f"[{','.join(waiting)}]"
            waiting, size = [], 0
        waiting.append(text)
        size += row_size + 2
    if waiting:
        yield f"[{','.join(waiting)}]"


def wire_bytes(text: str) -> int:
    """Of a literal: UTF-16, with quotes doubled."""
    units = len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2
    return 2 * (units + text.count("'"))
