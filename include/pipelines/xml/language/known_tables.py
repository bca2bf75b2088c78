"""What the parts of a contract know of its tables: their columns in the order of a row, and how many rows there are.

Built from a draft, where types may be unknown because of other mistakes, or from a sound contract.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from include.pipelines.xml.formula.tree import Expression
from include.pipelines.xml.language.column_types import ColumnType
from include.pipelines.xml.language.columns import Column
from include.pipelines.xml.language.contract import Contract
from include.pipelines.xml.language.draft import Draft, Part
from include.pipelines.xml.language.places import Place

NUMBER = ColumnType("int")
"""Of row numbers."""


@dataclass(frozen=True, slots=True)
class Described:
    """A column or field as the contract has it."""

    name: str
    type: ColumnType | None
    formula: Expression | None = None
    place: Place = ()


@dataclass(slots=True, eq=False)
class KnownColumn:
    """A column of a row, or a field."""

    name: str
    slot: int
    type: ColumnType | None
    """None where other mistakes hide it."""
    formula: Expression | None = None
    place: Place = ()
    carried: KnownColumn | None = None
    """The parent's column that it is carried down from."""
    is_number: bool = False
    is_written: bool = True
    """Not so fields."""


@dataclass(slots=True, eq=False)
class KnownTable:
    """A table whose name and parents are sound."""

    name: str
    parent: KnownTable | None
    columns: dict[str, KnownColumn] = field(default_factory=dict)
    """By name in lower case; their slots are positions in a row."""
    primary_key: list[KnownColumn] = field(default_factory=list)
    """Declared or not; without names that the table does not have."""
    makes_rows: bool = False
    """From items or groups."""
    is_single: bool = False
    """At most one row a record, whatever the document holds."""
    is_settled_single: bool = False
    """At most one row a record once duplicates of its key are settled."""

    def add(self, column: KnownColumn) -> None:
        """Of two columns with one name the first stays; that is a mistake elsewhere."""
        self.columns.setdefault(column.name.lower(), column)

    @property
    def ancestors(self) -> list[KnownTable]:
        """The parent first."""
        found: list[KnownTable] = []
        current = self.parent
        while current is not None:
            found.append(current)
            current = current.parent
        return found


@dataclass(frozen=True, slots=True)
class Description:
    """What a table is known by."""

    name: str
    parent: str | None
    stays: bool
    """Its rows are its parent's elements."""
    makes_rows: bool
    """From items or groups."""
    row_number: str | None
    primary_key: Sequence[str]
    columns: Sequence[Described]
    fields: Sequence[Described]


def known_in_contract(contract: Contract) -> dict[str, KnownTable]:
    """Of a contract without mistakes, in insertion order."""
    return _known(
        Described(contract.key.column, contract.key.parsed_type),
        [
            Description(
                table.name,
                table.parent,
                table.rows == ".",
                table.makes_rows,
                table.row_number,
                table.primary_key,
                [Described(column.name, column.parsed_type, column.formula) for column in table.columns],
                [Described(column.name, column.parsed_type, column.formula) for column in table.fields],
            )
            for table in contract.tables_in_order
        ],
    )


def known_in_draft(draft: Draft) -> dict[str, KnownTable]:
    """Tables by name in lower case; those whose parents are not sound are left out."""
    waiting = list(draft.by_name.values())
    ordered: list[Description] = []
    done: set[str] = set()
    while ready := [table for table in waiting if table.parent is None or table.parent.lower() in done]:
        for table in ready:
            name = table.name or ""
            done.add(name.lower())
            ordered.append(
                Description(
                    name,
                    table.parent,
                    table.rows is not None and not table.rows.steps,
                    table.makes_rows,
                    table.row_number,
                    [key for _, key in table.primary_key],
                    [_described(part) for part in table.columns if part.name is not None],
                    [_described(part) for part in table.fields if part.name is not None],
                )
            )
        waiting = [table for table in waiting if table not in ready]
    return _known(Described(draft.key_column or "", draft.key_type), ordered)


def _described(part: Part[Column]) -> Described:
    model = part.model
    return Described(part.name or "", part.type, None if model is None else model.formula, part.place)


def _known(key: Described, tables: Iterable[Description]) -> dict[str, KnownTable]:
    known: dict[str, KnownTable] = {}
    for table in tables:
        known[table.name.lower()] = _table(key, table, known)
    return known


def _table(key: Described, table: Description, known: Mapping[str, KnownTable]) -> KnownTable:
    parent = None if table.parent is None else known[table.parent.lower()]
    found = KnownTable(table.name, parent)
    found.add(KnownColumn(key.name, 0, key.type))
    for above in () if parent is None else parent.primary_key:
        if above.name.lower() != key.name.lower():
            found.add(KnownColumn(above.name, len(found.columns), above.type, carried=above))
    if table.row_number is not None:
        found.add(KnownColumn(table.row_number, len(found.columns), NUMBER, is_number=True))
    generated = list(found.columns.values())
    for column in (*table.columns, *table.fields):
        found.add(KnownColumn(column.name, len(found.columns), column.type, column.formula, column.place))
    for column in table.fields:
        found.columns[column.name.lower()].is_written = False
    declared = [found.columns[name.lower()] for name in table.primary_key if name.lower() in found.columns]
    found.primary_key = declared if table.primary_key else generated
    found.makes_rows = table.makes_rows
    found.is_single = table.stays and (parent is None or parent.is_single)
    found.is_settled_single = found.is_single or [column.slot for column in found.primary_key] == [0]
    return found
