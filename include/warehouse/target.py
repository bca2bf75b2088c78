"""What a pipeline fills: tables declared once as SQLAlchemy `Table`s, from which DDL, loader and checks come."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import sqlalchemy as sa
from sqlalchemy.schema import CreateTable, SchemaConst

from include.engine.errors import SettingsError
from include.engine.model import Key
from include.warehouse.column_types import portable
from include.warehouse.delete_path import DeletePath, find_path
from include.warehouse.target_faults import parents_first, table_faults

MAX_NAME = 100
"""Characters of a pipeline's or target's name: both stand in the keys of the house tables."""


@dataclass(frozen=True)
class TargetTable:
    """One table of a target."""

    table: sa.Table
    """The portable copy of the declaration; reads through it give back exactly the values written."""
    delete_path: DeletePath
    """How the rows of a key are found."""

    @property
    def name(self) -> str:
        """As declared; the warehouse adds its schema."""
        return self.table.name

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Names in declared order, the order of a `Row`."""
        return tuple(self.table.columns.keys())


class Target:
    """Tables that are replaced together by record key.

    Each table carries the record key's column, or reaches one that does through its declared
    single-column foreign keys. Every foreign key stays within the target. Raises one `SettingsError`
    that lists all faults.
    """

    def __init__(self, name: str, record_key: str, tables: Sequence[sa.Table]) -> None:
        self.name = name
        self.record_key = record_key
        faults = [] if 0 < len(name) <= MAX_NAME else [f"the name must have 1 to {MAX_NAME} characters"]
        faults += table_faults(record_key, tables)
        if faults:
            raise SettingsError(f"target {name}: " + "; ".join(faults))
        self.metadata = sa.MetaData()
        copies = [_portable_copy(table, record_key, self.metadata) for table in tables]
        paths = {copy.name: find_path(copy, record_key) for copy in copies}
        self.tables = tuple(
            TargetTable(copy, path) for copy in parents_first(copies) if (path := paths[copy.name]) is not None
        )
        """In insertion order: parents before children."""
        for table in self.tables:
            _index_first_step(table)

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
        ddl = "\n".join(str(CreateTable(table.table)) for table in self.tables)
        return hashlib.sha256(f"{self.name}\n{self.record_key}\n{ddl}".encode()).hexdigest()


def _portable_copy(table: sa.Table, record_key: str, metadata: sa.MetaData) -> sa.Table:
    copy = table.to_metadata(metadata, schema=SchemaConst.RETAIN_SCHEMA)
    for column in copy.columns:
        is_key = column.name == record_key
        column.type = portable(column.type, is_key=is_key) or column.type
        # Every value comes in the row: an IDENTITY would refuse it.
        column.autoincrement = False
    return copy


def _index_first_step(target_table: TargetTable) -> None:
    """Deletes by key look this column up; without an index each would read the whole table."""
    table, column = target_table.table, target_table.delete_path.first_column
    leading = [next(iter(table.primary_key.columns), None)]
    leading += [next(iter(index.columns), None) for index in table.indexes]
    if not any(found is not None and found.name == column for found in leading):
        sa.Index(f"ix_{table.name}_{column}"[:128], table.columns[column])
