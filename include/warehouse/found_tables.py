"""Tables as the database has them, in terms that compare with declarations."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from include.warehouse.connection import Warehouse
from include.warehouse.loaders.mssql import COLUMNS_OF, FOREIGN_KEYS_IN, PRIMARY_KEYS_OF, keys_json

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


def find_tables(warehouse: Warehouse, connection: sa.Connection, names: Sequence[str]) -> dict[str, FoundTable]:
    """Those of the tables that exist, by name."""
    if warehouse.name == "sqlite":
        found = {name: _find_in_sqlite(connection, name) for name in names}
        return {name: table for name, table in found.items() if table.columns}
    wanted = (warehouse.schema, keys_json(list(names)))
    keys: dict[str, list[str]] = {name: [] for name in names}
    for table, column in connection.exec_driver_sql(PRIMARY_KEYS_OF, wanted).all():
        keys[table].append(column)
    columns: dict[str, dict[str, FoundColumn]] = {}
    for table, column, nullable, *type_ in connection.exec_driver_sql(COLUMNS_OF, wanted).all():
        columns.setdefault(table, {})[column] = FoundColumn(normal_type(catalog_type(*type_)), bool(nullable))
    return {name: FoundTable(found, tuple(keys[name])) for name, found in columns.items()}


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


def foreign_keys_into(warehouse: Warehouse, connection: sa.Connection, names: Sequence[str]) -> list[tuple[str, str]]:
    """(child, parent) of every foreign key into these tables."""
    if not names:
        return []
    if warehouse.name == "sqlite":
        query = (
            'SELECT child.name, key."table" FROM sqlite_master AS child '
            "JOIN pragma_foreign_key_list(child.name) AS key WHERE child.type = 'table'"
        )
        wanted = {name.lower(): name for name in names}
        pairs = connection.exec_driver_sql(query).all()
        return [(child, wanted[parent.lower()]) for child, parent in pairs if parent.lower() in wanted]
    rows = connection.exec_driver_sql(FOREIGN_KEYS_IN, (keys_json(list(names)),)).all()
    return [(row.child, row.parent) for row in rows]
