"""The rules across the parts of a contract: names, parents, keys, namespaces. Each gives every mistake it finds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter

from include.pipelines.xml.draft import Draft, DraftTable
from include.pipelines.xml.paths import Path
from include.pipelines.xml.places import Place, written

Mistake = tuple[Place, str]


def mistakes_across(draft: Draft) -> Iterator[Mistake]:
    """Names compare without case: SQL Server's usual collation knows none."""
    yield from _table_names(draft)
    cycles = list(_parents(draft))
    yield from cycles
    yield from _prefixes(draft)
    for table in draft.tables:
        yield from _column_names(draft, table)
        yield from _primary_key(draft, table, parents_sound=not cycles)


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
    by_name = _by_name(draft)
    parents: dict[str, list[str]] = {}
    for table in draft.tables:
        if table.parent is None:
            continue
        if table.parent.lower() not in by_name:
            yield (*table.place, "parent"), f"there is no table {table.parent}; there are {_names(draft)}"
        elif table.name is not None:
            parents[table.name.lower()] = [table.parent.lower()]
    try:
        TopologicalSorter(parents).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        place = by_name[circle[0]].place
        yield (*place, "parent"), "the parents go round: " + " to ".join(reversed(circle))


def _by_name(draft: Draft) -> dict[str, DraftTable]:
    return {table.name.lower(): table for table in draft.tables if table.name is not None}


def _names(draft: Draft) -> str:
    return ", ".join(table.name for table in draft.tables if table.name is not None) or "none"


def _prefixes(draft: Draft) -> Iterator[Mistake]:
    root = Path((draft.root,)) if draft.root is not None else None
    paths: list[tuple[Place, Path | None]] = [(("root",), root), (("key", "path"), draft.key_path)]
    for table in draft.tables:
        paths.append(((*table.place, "rows"), table.rows))
        paths += [((*column.place, "path"), column.path) for column in table.columns]
    known = {*draft.namespaces, "xml"}
    for place, path in paths:
        for prefix in sorted((path.prefixes() if path else set()) - known):
            yield place, f"the prefix {prefix} is not in namespaces"


def _column_names(draft: Draft, table: DraftTable) -> Iterator[Mistake]:
    # What comes down from the parents stands first, so that a clash is reported at the name that was written here.
    own = [((*table.place, "row_number"), table.row_number)]
    own += [((*column.place, "name"), column.name) for column in table.columns]
    yield from _doubled(_inherited(draft, table) + own)


def _ancestors(draft: Draft, table: DraftTable) -> list[DraftTable]:
    by_name = _by_name(draft)
    found: list[DraftTable] = []
    current = table
    while current.parent is not None and (parent := by_name.get(current.parent.lower())) is not None:
        if parent in found or parent is table:
            break  # parents that go round are a mistake of their own
        found.append(parent)
        current = parent
    return found[::-1]


def _primary_key(draft: Draft, table: DraftTable, *, parents_sound: bool) -> Iterator[Mistake]:
    if not table.primary_key:
        if table.rows is not None and table.rows.steps and table.row_number is None:
            yield table.place, "give it a row_number, or a primary_key: its rows need a key that stays the same"
        return
    columns = {column.name.lower(): column for column in table.columns if column.name is not None}
    given = {name.lower() for _, name in _inherited(draft, table) if name is not None}
    given.add((table.row_number or "").lower())
    for place, name in table.primary_key:
        found = columns.get(name.lower())
        if found is None and name.lower() not in given and parents_sound:
            yield place, f"the table has no column {name}"
        column = found.column if found else None
        if column is not None and not column.required and column.default is None:
            yield place, f"{name} is part of the primary key, so it must be required or have a default"
        if column is not None and column.nullable:
            yield place, f"{name} is part of the primary key, so it cannot be nullable"
    yield from _doubled(table.primary_key)


def _inherited(draft: Draft, table: DraftTable) -> list[tuple[Place, str | None]]:
    """The columns that come down: the record's key, and the rest of the parent's primary key."""
    key: tuple[Place, str | None] = (("key", "column"), draft.key_column)
    rest: list[tuple[Place, str | None]] = []
    for ancestor in _ancestors(draft, table):
        if ancestor.primary_key:
            rest = [(place, name) for place, name in ancestor.primary_key if name != draft.key_column]
        elif ancestor.row_number is not None:
            rest = [*rest, ((*ancestor.place, "row_number"), ancestor.row_number)]
    return [key, *rest]
