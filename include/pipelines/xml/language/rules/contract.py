"""The rules across the parts of a contract: names, parents, keys. Each gives every mistake it finds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter

from include.pipelines.xml.language.draft import Draft, DraftTable
from include.pipelines.xml.language.places import Mistake, Place, written
from include.pipelines.xml.language.rules.calculations import calculation_mistakes
from include.pipelines.xml.language.rules.levels import level_mistakes
from include.pipelines.xml.language.rules.paths import path_mistakes
from include.pipelines.xml.language.rules.references import reference_mistakes
from include.pipelines.xml.language.rules.rows import row_mistakes
from include.pipelines.xml.language.rules.values import value_mistakes


def mistakes_across(draft: Draft) -> Iterator[Mistake]:
    """Names compare without case: SQL Server's usual collation knows none."""
    yield from _table_names(draft)
    cycles = list(_parents(draft))
    yield from cycles
    yield from path_mistakes(draft)
    yield from level_mistakes(draft)
    for table in draft.tables:
        yield from _column_names(draft, table)
        yield from _primary_key(draft, table, parents_sound=not cycles)
        yield from row_mistakes(draft, table)
        yield from value_mistakes(draft, table)
    yield from reference_mistakes(draft, parents_sound=not cycles)
    yield from calculation_mistakes(draft)


def _table_names(draft: Draft) -> Iterator[Mistake]:
    yield from _doubled(((*table.place, "name"), table.name) for table in draft.tables)


def _doubled(named: Iterable[tuple[Place, str | None]]) -> Iterator[Mistake]:
    seen: dict[str, Place] = {}
    for place, name in named:
        if name is None:
            continue
        first = seen.setdefault(name.lower(), place)
        if first != place:
            yield place, f"{name} is there already: {written(first)}"


def _parents(draft: Draft) -> Iterator[Mistake]:
    by_name = draft.by_name
    parents: dict[str, list[str]] = {}
    for table in draft.tables:
        if table.parent is None:
            continue
        if table.parent.lower() not in by_name:
            if draft.knows_its_tables:
                names = ", ".join(known.name or "" for known in by_name.values())
                yield (*table.place, "parent"), f"there is no table {table.parent}; there are {names or 'none'}"
        elif table.name is not None and by_name[table.name.lower()] is table:
            parents[table.name.lower()] = [table.parent.lower()]
    try:
        TopologicalSorter(parents).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        place = by_name[circle[0]].place
        yield (*place, "parent"), "the parents go round: " + " to ".join(reversed(circle))


def _column_names(draft: Draft, table: DraftTable) -> Iterator[Mistake]:
    # What comes down from the parents stands first, so that a clash is reported at the name that was written here.
    own = [((*table.place, "row_number"), table.row_number)]
    own += [((*part.place, "name"), part.name) for part in table.values]
    yield from _doubled(_inherited(draft, table) + own)


def _primary_key(draft: Draft, table: DraftTable, *, parents_sound: bool) -> Iterator[Mistake]:
    if not table.primary_key:
        several = table.makes_rows or (table.rows is not None and table.rows.steps)
        if several and table.row_number is None:
            yield table.place, "give it a row_number, or a primary_key: its rows need a key that stays the same"
        return
    columns = {part.name.lower(): part for part in table.columns if part.name is not None}
    fields = {part.name.lower() for part in table.fields if part.name is not None}
    given = {name.lower() for _, name in _inherited(draft, table) if name is not None}
    given.add((table.row_number or "").lower())
    for place, name in table.primary_key:
        found = columns.get(name.lower())
        if found is None and name.lower() in fields:
            yield place, f"{name} is a field, and fields are not written: make it a column"
        elif found is None and name.lower() not in given and parents_sound and not draft.hides_columns(table):
            yield place, f"the table has no column {name}"
        column = found.model if found else None
        if column is not None and column.parsed_type.kind == "text":
            yield place, f"{name} is text of any length, and a key has a bound: make it string(n)"
        if column is not None and not column.always_filled:
            yield place, f"{name} is part of the primary key, so it must be required or have a default"
        if column is not None and column.nullable:
            yield place, f"{name} is part of the primary key, so it cannot be nullable"
    yield from _doubled(table.primary_key)


def _inherited(draft: Draft, table: DraftTable) -> list[tuple[Place, str | None]]:
    """The columns that come down: the record's key, and the rest of the parent's primary key."""
    key: tuple[Place, str | None] = (("key", "column"), draft.key_column)
    key_name = (draft.key_column or "").lower()
    rest: list[tuple[Place, str | None]] = []
    for ancestor in draft.ancestors(table):
        if ancestor.primary_key:
            rest = [(place, name) for place, name in ancestor.primary_key if name.lower() != key_name]
        elif ancestor.row_number is not None:
            rest = [*rest, ((*ancestor.place, "row_number"), ancestor.row_number)]
    return [key, *rest]
