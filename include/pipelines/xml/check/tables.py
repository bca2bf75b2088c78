"""The tables that a contract fills, described for a terminal in the order in which they are filled."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from include.pipelines.xml.check.text import aligned, counted, shortened, shown
from include.pipelines.xml.language.columns import Column
from include.pipelines.xml.language.contract import Contract
from include.pipelines.xml.language.table import Table
from include.pipelines.xml.mapping.layout import TableLayout, layouts_of
from include.warehouse.target import Target

_HEAD = ("column", "type", "null", "key", "from")


def described_tables(contract: Contract, target: Target) -> Iterator[str]:
    """Of a contract without mistakes, and its target."""
    layouts = {layout.name: layout for layout in layouts_of(contract)}
    columns = sum(len(layout.names) for layout in layouts.values())
    schema = f" of schema {contract.target_schema}" if contract.target_schema else ""
    sizes = f"{counted(len(layouts), 'table')}{schema}, {counted(columns, 'column')}"
    yield f"Contract {contract.contract} has no mistakes: {sizes}, filled in this order."
    for table in target.tables:
        layout = layouts[table.name]
        yield ""
        yield f"{table.name}: {_row_source(layout.table)}"
        yield from aligned([_HEAD, *_column_lines(contract, layout, table.table)], "  ")
        yield from _keys(layout, table.table)


def _row_source(table: Table) -> str:
    """When there is a row."""
    of = f" of {table.parent}" if table.parent else ""
    at_parents = f"each row{of}" if of else "the document element"
    element = at_parents if table.rows == "." else f"each {table.rows}{of}"
    text = f"a row for {element}"
    if table.items:
        text = f"a row for each of {counted(len(table.items), 'item')} that has a value, in {element}"
    if table.groups:
        text = f"a row for each of {counted(len(table.groups), 'group')} that holds more than defaults, in {element}"
    if table.where:
        text += f", if {counted(len(table.where), 'condition')} {'holds' if len(table.where) == 1 else 'hold'}"
    if table.write == "filled":
        text += ", if it holds more than defaults"
    if table.duplicates != "reject":
        text += f"; of one primary key {_KEPT[table.duplicates]}"
    return text


_KEPT = {"first": "the first", "last": "the last", "priority": "the best"}


def _column_lines(contract: Contract, layout: TableLayout, table: sa.Table) -> Iterator[tuple[str, ...]]:
    referring = {name for key in table.foreign_key_constraints for name in key.column_keys}
    for slot, name in enumerate(layout.names):
        marks = [mark for mark, names in (("PK", layout.primary_key), ("FK", referring)) if name in names]
        null = "NULL" if table.columns[name].nullable else "NOT NULL"
        yield name, layout.type_of(slot).text, null, " ".join(marks), _source(contract, layout, slot)


def _source(contract: Contract, layout: TableLayout, slot: int) -> str:
    if slot >= layout.first_slot:
        return _column_source(layout.table.columns[slot - layout.first_slot])
    if slot == layout.number_slot:
        return "row number"
    if slot == 0:
        return f"the record's key{f', {contract.key.path}' if contract.key.path else ''}"
    return f"key of {layout.table.parent}"


def _column_source(column: Column) -> str:
    if column.path is not None:
        return f"{column.from_}: {column.path}" if column.from_ else column.path
    if column.calculate is not None:
        return f"= {shortened(column.calculate)}"
    if column.take is not None:
        return f"the {column.take.replace('_', ' ')}"
    return f"constant {shown(column.constant_value)}"


def _keys(layout: TableLayout, table: sa.Table) -> Iterator[str]:
    yield f"  primary key ({', '.join(layout.primary_key)})"
    for key in sorted(table.foreign_key_constraints, key=lambda key: list(key.column_keys)):
        theirs = ", ".join(element.column.name for element in key.elements)
        yield f"  foreign key ({', '.join(key.column_keys)}) to {key.referred_table.name} ({theirs})"
    if layout.table.identity_insert:
        yield "  identity insert: the contract gives the values of the IDENTITY"
