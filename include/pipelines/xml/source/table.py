"""The table of documents as the database has it: checked against the settings, and conditions to select from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mssql

from include.engine.errors import FatalError, SettingsError
from include.engine.model import Key
from include.pipelines.xml.source.change_dates import within
from include.pipelines.xml.source.rows import TOO_LARGE
from include.warehouse.connection import Warehouse
from include.warehouse.window import Window

_COLLATION = re.compile(r"\w+", re.ASCII)
"""It comes from the catalog and stands in statements unquoted, as T-SQL wants it."""

MAX_NARROW_KEY = 8000
"""Characters of the widest sized varchar."""


@dataclass(frozen=True, slots=True)
class SourceNames:
    """What the settings call the table and its columns."""

    table: str
    key: str
    document: str
    change_date: str | None = None
    schema: str | None = None

    @property
    def full_table(self) -> str:
        """For messages."""
        return f"{self.schema}.{self.table}" if self.schema else self.table


@dataclass(frozen=True, slots=True)
class SourceTable:
    """Columns to select from, and the window that every selection keeps to."""

    key: sa.ColumnElement[Any]
    document: sa.ColumnElement[Any]
    storage: sa.ColumnElement[Any]
    """SQLite's storage class of the document, which it gives as bytes whatever it is; `TOO_LARGE` of one that a server
    need not send; else NULL."""
    change_date: sa.ColumnElement[Any] | None
    selected_date: sa.ColumnElement[Any]
    """The change date as it is read: SQLite's text as bytes, NULL where there is no such column."""
    key_is_number: bool
    window: Window | None
    dialect: str
    narrow_key: sa.String | None = None
    """The type of a `varchar` key on SQL Server."""

    def selected(self) -> list[sa.ColumnElement[Any]]:
        """Key, document, its storage class, change date; what there is not is NULL."""
        return [self.key, self.document, self.storage, self.selected_date]

    def conditions(self, lower: Key | None, upper: Key | None) -> list[sa.ColumnElement[bool]]:
        """Keys in `[lower, upper)` within the window."""
        found: list[sa.ColumnElement[bool]] = []
        if lower is not None:
            found.append(self.key >= self.bound(lower))
        if upper is not None:
            found.append(self.key < self.bound(upper))
        if self.window is not None and self.change_date is not None:
            found.append(within(self.change_date, self.window, self.dialect))
        return found

    def checked(self, key: Key) -> Key:
        """The key as the column has it; raises `FatalError` for one of the other kind."""
        if isinstance(key, int) is not self.key_is_number:
            kind = "numbers" if self.key_is_number else "text"
            raise FatalError(f"{self.key} holds {kind}, and a batch or list names keys of another kind")
        return key

    def bound(self, key: Key) -> sa.ColumnElement[Any]:
        """The key to compare the column with, by the column's own rules.

        The driver sends all text as nvarchar. Compared with that, a `varchar` column would follow the rules of
        nvarchar, under which many collations order otherwise than `ORDER BY` does (`A-10` and `A1`): pages would
        leave keys out. And no index would serve.
        """
        value: sa.ColumnElement[Any] = sa.literal(self.checked(key))
        if self.narrow_key is None:
            return value
        collation = self.narrow_key.collation
        if collation and _COLLATION.fullmatch(collation):
            value = value.op("COLLATE")(sa.literal_column(collation))
        # Of the column's own length, a longer bound would be cut, and mean another key.
        return sa.type_coerce(sa.cast(value, sa.VARCHAR(MAX_NARROW_KEY)), sa.types.NullType())


def find_source_table(
    warehouse: Warehouse, names: SourceNames, window: Window | None, max_document_bytes: int | None = None
) -> SourceTable:
    """Raises `SettingsError` that names what is missing and what there is."""
    if warehouse.name == "sqlite" and names.schema not in (None, "main"):
        raise SettingsError(f"source_schema {names.schema}: SQLite has none, leave it out")
    columns, as_bytes = warehouse.transact(
        "look at the source table",
        lambda c: (_columns(c, names, warehouse.schema), _keeps_utf8(c)),
        write=False,
    )
    wanted = {"key_column": names.key, "xml_column": names.document, "change_date_column": names.change_date}
    spelled = {name.lower(): name for name in columns}
    missing = [f"{setting} {name}" for setting, name in wanted.items() if name and name.lower() not in spelled]
    if missing:
        raise SettingsError(
            f"source table {names.full_table}: there is no {', no '.join(missing)}; there are {', '.join(columns)}"
        )
    key_name = spelled[names.key.lower()]
    key_type = columns[key_name]
    is_number = isinstance(key_type, sa.Integer) or (isinstance(key_type, sa.Numeric) and not key_type.scale)
    if not is_number and not isinstance(key_type, sa.String):
        raise SettingsError(f"source table {names.full_table}: key_column {key_name} must be integer or text")
    # Without types, values come as the driver gives them: no processor of SQLAlchemy's may fail on a row.
    table = sa.table(names.table, *(sa.column(name) for name in columns), schema=names.schema)
    change_date = table.c[spelled[names.change_date.lower()]] if names.change_date else None
    document_name = spelled[names.document.lower()]
    document, storage = _selected_document(table.c[document_name], as_bytes=as_bytes)
    if warehouse.name == "mssql" and max_document_bytes is not None:
        document, storage = bounded(document, columns[document_name], max_document_bytes)
    return SourceTable(
        key=table.c[key_name],
        document=document,
        storage=storage,
        change_date=change_date,
        selected_date=_selected_date(change_date, as_bytes=as_bytes),
        key_is_number=is_number,
        window=window if change_date is not None else None,
        dialect=warehouse.name,
        narrow_key=narrow(key_type) if warehouse.name == "mssql" else None,
    )


def _selected_document(
    column: sa.ColumnElement[Any], *, as_bytes: bool
) -> tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]]:
    if not as_bytes:
        return column, sa.null()
    return sa.type_coerce(sa.cast(column, sa.LargeBinary), sa.types.NullType()), sa.func.typeof(column)


def bounded(
    column: sa.ColumnElement[Any], type_: sa.types.TypeEngine[Any], max_bytes: int
) -> tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]]:
    """A document that is too large stays in the database: the driver would hold it twice before anybody could look.

    A byte of `varchar`, as a unit of `nvarchar`, is a byte of UTF-8 or more. Of bytes, and of `xml`, which is stored in
    another form, their length does not tell.
    """
    if not isinstance(type_, sa.String) or isinstance(type_, mssql.XML):
        return column, sa.null()
    is_larger = sa.func.datalength(column) > max_bytes * (1 if narrow(type_) is not None else 2)
    return sa.case((is_larger, sa.null()), else_=column), sa.case((is_larger, TOO_LARGE), else_=sa.null())


def _selected_date(column: sa.ColumnElement[Any] | None, *, as_bytes: bool) -> sa.ColumnElement[Any]:
    if column is None:
        return sa.null()
    if not as_bytes:
        return column
    text = sa.cast(column, sa.LargeBinary)
    return sa.type_coerce(sa.case((sa.func.typeof(column) == "text", text), else_=column), sa.types.NullType())


def narrow(type_: sa.types.TypeEngine[Any]) -> sa.String | None:
    """The type, if it is one of SQL Server's that hold text in a code page."""
    wide = isinstance(type_, sa.Unicode | sa.UnicodeText)
    return type_ if isinstance(type_, sa.String) and not wide else None


def _keeps_utf8(connection: sa.Connection) -> bool:
    """SQLite's text can be had as the bytes that it is.

    To decode and encode it again takes longer than the read, and text that is not UTF-8 would fail the whole query.
    """
    return connection.dialect.name == "sqlite" and connection.exec_driver_sql("PRAGMA encoding").scalar_one() == "UTF-8"


def _columns(
    connection: sa.Connection, names: SourceNames, default_schema: str | None
) -> dict[str, sa.types.TypeEngine[Any]]:
    inspector = sa.inspect(connection)
    schema = names.schema or default_schema
    try:
        found = inspector.get_columns(names.table, schema=schema)
    except sa.exc.NoSuchTableError:
        tables = sorted([*inspector.get_table_names(schema), *inspector.get_view_names(schema)])
    else:
        return {column["name"]: column["type"] for column in found}
    listed = ", ".join(tables[:20]) + (", …" if len(tables) > 20 else "")
    raise SettingsError(f"source_table {names.full_table}: there is no such table; there are {listed or 'none'}")
