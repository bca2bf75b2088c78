"""Tables as the database has them, in terms that compare with declarations."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from include.warehouse.connection import Warehouse
from include.warehouse.loaders.mssql import COLUMNS_OF, FOREIGN_KEYS_IN, PRIMARY_KEYS_OF, SCHEMA_ID
from include.warehouse.table_name import TableName

_SYNONYMS = {
    "INT": "INTEGER",
    "DATETIME2(7)": "DATETIME2(6)",
    "DATETIME2": "DATETIME2(6)",
    "DATETIMEOFFSET(7)": "DATETIMEOFFSET(6)",
    "DATETIMEOFFSET": "DATETIMEOFFSET(6)",
}
"""Spellings of one type. A seventh digit of a second does no harm: Python has six."""


@dataclass(frozen=True)
class FoundColumn:
    """One column of an existing table."""

    type_text: str
    nullable: bool


@dataclass(frozen=True)
class FoundTable:
    """An existing table."""

    columns: dict[str, FoundColumn]
    primary_key: tuple[str, ...]


def normal_type(text: str) -> str:
    """One spelling a type: upper case, no collation, no synonyms."""
    plain = re.sub(r"\s+COLLATE\s+\S+", "", text.strip(), flags=re.IGNORECASE).upper()
    plain = re.sub(r"\s*\(\s*", "(", re.sub(r"\s*,\s*", ", ", plain)).replace(" )", ")")
    family, bracket, rest = plain.partition("(")
    if family in ("FLOAT", "DOUBLE PRECISION", "DOUBLE_PRECISION"):
        return "FLOAT"
    family = "NUMERIC" if family == "DECIMAL" else family
    return _SYNONYMS.get(plain, family + bracket + rest)


def declared_type(column: sa.Column[Any], dialect: sa.Dialect) -> str:
    """As DDL would spell it."""
    return normal_type(column.type.compile(dialect=dialect))


def find_tables(
    warehouse: Warehouse, connection: sa.Connection, names: Sequence[TableName]
) -> dict[TableName, FoundTable]:
    """Those of the tables that exist, by the names that were given."""
    if warehouse.name == "sqlite":
        found = {name: _find_in_sqlite(connection, name.name) for name in names}
        return {name: table for name, table in found.items() if table.columns}
    wanted = (_wanted_json(warehouse, names),)
    keys: dict[int, list[str]] = {}
    for position, column in connection.exec_driver_sql(PRIMARY_KEYS_OF, wanted).all():
        keys.setdefault(position, []).append(column)
    columns: dict[int, dict[str, FoundColumn]] = {}
    for position, column, nullable, *type_ in connection.exec_driver_sql(COLUMNS_OF, wanted).all():
        columns.setdefault(position, {})[column] = FoundColumn(normal_type(catalog_type(*type_)), bool(nullable))
    return {names[position]: FoundTable(there, tuple(keys.get(position, ()))) for position, there in columns.items()}


def missing_schemas(warehouse: Warehouse, connection: sa.Connection, names: Sequence[TableName]) -> list[str]:
    """Schemas of these tables that are not there, or that the login may not see."""
    schemas = sorted({name.schema for name in map(warehouse.place, names) if name.schema})
    return [name for name in schemas if connection.exec_driver_sql(SCHEMA_ID, (name,)).scalar() is None]


def _wanted_json(warehouse: Warehouse, names: Sequence[TableName]) -> str:
    lines = [[position, name.schema or warehouse.own_schema, name.name] for position, name in enumerate(names)]
    return json.dumps(lines, ensure_ascii=False)


def catalog_type(family: str, max_bytes: int, precision: int, scale: int) -> str:
    """A type of `sys.columns` as DDL spells it."""
    if family in ("nvarchar", "nchar"):
        return f"{family}({'max' if max_bytes < 0 else max_bytes // 2})"
    if family in ("varchar", "char", "varbinary", "binary"):
        return f"{family}({'max' if max_bytes < 0 else max_bytes})"
    if family in ("decimal", "numeric"):
        return f"{family}({precision}, {scale})"
    return f"{family}({scale})" if family in ("datetime2", "datetimeoffset", "time") else family


def _find_in_sqlite(connection: sa.Connection, name: str) -> FoundTable:
    # The declared text itself: SQLAlchemy's reflection cannot know the types that keep numerics as text.
    rows = connection.exec_driver_sql('SELECT name, type, "notnull", pk FROM pragma_table_info(?)', (name,)).all()
    columns = {row[0]: FoundColumn(normal_type(row[1]), not row[2] and not row[3]) for row in rows}
    key = tuple(row[0] for row in sorted((row for row in rows if row[3]), key=lambda row: int(row[3])))
    return FoundTable(columns, key)


def foreign_keys_into(
    warehouse: Warehouse, connection: sa.Connection, names: Sequence[TableName]
) -> list[tuple[TableName, TableName]]:
    """(child, parent) of every foreign key into these tables, in whatever schema the child stands.

    Both come as places of the warehouse: the child as the database spells it, the parent as it was given.
    """
    if not names:
        return []
    if warehouse.name == "sqlite":
        query = (
            'SELECT child.name, key."table" FROM sqlite_master AS child '
            "JOIN pragma_foreign_key_list(child.name) AS key WHERE child.type = 'table'"
        )
        wanted = {name.name.lower(): warehouse.place(name) for name in names}
        pairs = connection.exec_driver_sql(query).all()
        return [(TableName(None, child), wanted[parent.lower()]) for child, parent in pairs if parent.lower() in wanted]
    rows = connection.exec_driver_sql(FOREIGN_KEYS_IN, (_wanted_json(warehouse, names),)).all()
    return [
        (warehouse.place(TableName(schema, child)), warehouse.place(names[position]))
        for schema, child, position in rows
    ]
