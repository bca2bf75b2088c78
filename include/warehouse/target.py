"""What a pipeline fills: tables declared once as SQLAlchemy `Table`s, from which DDL, loader and checks come."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateTable, SchemaConst

from include.engine.errors import SettingsError
from include.engine.model import Key
from include.warehouse.column_types import portable
from include.warehouse.delete_path import DeletePath, find_path
from include.warehouse.table_name import TableName
from include.warehouse.target_faults import parents_first, table_faults

MAX_NAME = 100
"""Characters of a pipeline's or target's name: both stand in the keys of the house tables."""


IDENTITY_INSERT = "identity_insert"
"""In a declared table's `info`: the database's column is an IDENTITY, and rows bring its values."""


@dataclass(frozen=True)
class TargetTable:
    """One table of a target."""

    table: sa.Table
    """The portable copy of the declaration; reads through it give back exactly the values written."""
    delete_path: DeletePath
    """How the rows of a key are found."""

    @property
    def name(self) -> str:
        """As declared, without schema: one of a kind within the target."""
        return self.table.name

    @property
    def full_name(self) -> TableName:
        """With the schema that is declared, if one is."""
        return TableName.of(self.table)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Names in declared order, the order of a `Row`."""
        return tuple(self.table.columns.keys())


class Target:
    """Tables that are replaced together by record key.

    Each table carries the record key's column, or reaches one that does through its declared
    single-column foreign keys. Every foreign key stays within the target. All tables name one schema, or
    none and stand in the connection's own. Raises one `SettingsError` that lists all faults.
    """

    def __init__(self, name: str, record_key: str, tables: Sequence[sa.Table]) -> None:
        self.name = name
        self.record_key = record_key
        faults = [] if 0 < len(name) <= MAX_NAME else [f"the name must have 1 to {MAX_NAME} characters"]
        faults += table_faults(record_key, tables)
        if faults:
            raise SettingsError(f"target {name}: " + "; ".join(faults))
        self.metadata = sa.MetaData()
        copies = [table.to_metadata(self.metadata, schema=SchemaConst.RETAIN_SCHEMA) for table in tables]
        for declared, copy in zip(tables, copies, strict=True):
            _make_portable(declared, copy, record_key)
            copy.info.update(declared.info)
        paths = {copy.name: find_path(copy, record_key) for copy in copies}
        self.tables = tuple(
            TargetTable(copy, path) for copy in parents_first(copies) if (path := paths[copy.name]) is not None
        )
        """In insertion order: parents before children."""
        for table in self.tables:
            _index_first_step(table)

    @property
    def schema(self) -> str | None:
        """Of all its tables; None: the connection's own. Left out where a database has no schemas."""
        return self.tables[0].table.schema

    @cached_property
    def _by_name(self) -> dict[str, TargetTable]:
        return {table.name: table for table in self.tables}

    def __getitem__(self, name: str) -> TargetTable:
        return self._by_name[name]

    def table(self, name: str) -> sa.Table:
        """The portable `Table` to read through."""
        return self._by_name[name].table

    @cached_property
    def key_is_number(self) -> bool:
        """Whether record keys are integers (else text)."""
        carrier = next(table for table in self.tables if not table.delete_path.steps)
        return isinstance(carrier.table.columns[self.record_key].type, sa.Integer)

    def key_of(self, stored: str) -> Key:
        """A key back from the text form that the house tables hold."""
        return int(stored) if self.key_is_number else stored

    @cached_property
    def signature(self) -> str:
        """Digest of all tables, columns and types: a part of a pipeline's fingerprint."""
        lines = [self.name, self.record_key]
        for table in self.tables:
            # Constraints are a set: their order means nothing. That of the columns does.
            ddl = str(CreateTable(table.table)).splitlines()
            lines += [table.name, *table.columns, *sorted(line.strip(" \t,") for line in ddl)]
            lines += [IDENTITY_INSERT] if table.table.info.get(IDENTITY_INSERT) else []
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _make_portable(declared: sa.Table, copy: sa.Table, record_key: str) -> None:
    """Types come from the declaration: a copied foreign key knows its type only once its parent is there."""
    for column in declared.columns:
        twin = copy.columns[column.name]
        twin.type = portable(column.type, is_key=_carries_key(column, record_key)) or column.type
        # Every value comes in the row: an IDENTITY would refuse it.
        twin.autoincrement = False


def _carries_key(column: sa.Column[Any], record_key: str) -> bool:
    """Also under another name: both ends of a foreign key need one collation."""
    if column.name == record_key:
        return True
    return any(key.column is not column and _carries_key(key.column, record_key) for key in column.foreign_keys)


def _index_first_step(target_table: TargetTable) -> None:
    """Deletes by key look this column up; without an index each would read the whole table."""
    table, column = target_table.table, target_table.delete_path.first_column
    leading = [next(iter(table.primary_key.columns), None)]
    leading += [next(iter(index.columns), None) for index in table.indexes]
    if not any(found is not None and found.name == column for found in leading):
        sa.Index(f"ix_{table.name}_{column}"[:128], table.columns[column])
