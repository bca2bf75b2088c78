"""The columns of each table in their order, with those that a contract does not spell out: keys and row numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from include.pipelines.xml.language.column_types import ColumnType
from include.pipelines.xml.language.contract import Contract
from include.pipelines.xml.language.table import Table


@dataclass(frozen=True)
class Inherited:
    """A column whose value comes from the parent's row."""

    name: str
    type: ColumnType
    parent_slot: int
    """Its position in the parent's row; for tables without a parent, 0 is the record's key."""


@dataclass(frozen=True)
class TableLayout:
    """A row's positions: inherited columns, then the row number, then the mapped columns."""

    table: Table
    parent: TableLayout | None
    inherited: tuple[Inherited, ...]

    @property
    def name(self) -> str:
        """Of the table."""
        return self.table.name

    @property
    def number_slot(self) -> int | None:
        """Of the row number, where the table has one."""
        return None if self.table.row_number is None else len(self.inherited)

    @property
    def first_slot(self) -> int:
        """Of the mapped columns."""
        return len(self.inherited) + (self.table.row_number is not None)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All columns."""
        number = () if self.table.row_number is None else (self.table.row_number,)
        return (
            *(column.name for column in self.inherited),
            *number,
            *(column.name for column in self.table.columns),
        )

    @cached_property
    def primary_key(self) -> tuple[str, ...]:
        """As declared, else all that identifies the row: what is inherited, and the row number."""
        if not self.table.primary_key:
            return self.names[: self.first_slot]
        spelled = {name.lower(): name for name in self.names}
        return tuple(spelled[name.lower()] for name in self.table.primary_key)

    def type_of(self, slot: int) -> ColumnType:
        """Of the column at a position."""
        if slot < len(self.inherited):
            return self.inherited[slot].type
        if slot < self.first_slot:
            return ColumnType("int")
        return self.table.columns[slot - self.first_slot].parsed_type


def layouts_of(contract: Contract) -> tuple[TableLayout, ...]:
    """In insertion order."""
    found: dict[str, TableLayout] = {}
    for table in contract.tables_in_order:
        parent = found[table.parent.lower()] if table.parent is not None else None
        found[table.name.lower()] = TableLayout(table, parent, _inherited(contract, parent))
    return tuple(found.values())


def _inherited(contract: Contract, parent: TableLayout | None) -> tuple[Inherited, ...]:
    key = Inherited(contract.key.column, contract.key.parsed_type, 0)
    if parent is None:
        return (key,)
    slots = [parent.names.index(name) for name in parent.primary_key if name != key.name]
    return (key, *(Inherited(parent.names[slot], parent.type_of(slot), slot) for slot in slots))
