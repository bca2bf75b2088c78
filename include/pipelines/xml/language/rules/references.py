"""The rules of references: whole primary keys of tables that are there, of the same types, and in no circle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from include.pipelines.xml.language.draft import Draft, DraftTable, Part
from include.pipelines.xml.language.known_tables import KnownColumn, KnownTable, known_in_draft
from include.pipelines.xml.language.places import Mistake
from include.pipelines.xml.language.table import Reference


def reference_mistakes(draft: Draft, *, parents_sound: bool) -> Iterator[Mistake]:
    """Of all tables: what they refer to has to be written before them."""
    known = known_in_draft(draft)
    for table in draft.tables:
        for part in table.references:
            if part.model is not None:
                yield from _one(draft, known, table, part, part.model)
    if parents_sound:
        yield from _circles(draft)


def _one(
    draft: Draft, known: Mapping[str, KnownTable], table: DraftTable, part: Part[Reference], reference: Reference
) -> Iterator[Mistake]:
    if reference.table.lower() not in draft.by_name:
        if draft.knows_its_tables:
            names = ", ".join(other.name or "" for other in draft.by_name.values())
            yield (*part.place, "table"), f"there is no table {reference.table}; there are {names}"
        return
    target = draft.by_name[reference.table.lower()]
    if target.makes_rows or target.write == "filled":
        rare = f"{target.name} writes rows only where they hold something, so nothing can refer to it"
        yield (*part.place, "table"), f"{rare} (items, groups, write: filled)"
    own, other = known.get((table.name or "").lower()), known.get(reference.table.lower())
    hidden = draft.hides_columns(table) or draft.hides_columns(target)
    if own is None or other is None or hidden or draft.by_name.get(own.name.lower()) is not table:
        return  # other mistakes keep it from being judged
    key = {column.name.lower(): column for column in other.primary_key}
    if sorted(name.lower() for name in reference.to) != sorted(key):
        names = ", ".join(column.name for column in other.primary_key)
        yield (*part.place, "to"), f"a reference is to the whole primary key of {other.name}: {names}"
        return
    if len(reference.columns) != len(reference.to):
        yield (*part.place, "columns"), f"name as many columns as to does: {len(reference.to)}"
        return
    if len({name.lower() for name in reference.columns}) < len(reference.columns):
        yield (*part.place, "columns"), "a column stands here twice: each refers to one column of the key"
        return
    for index, (name, to) in enumerate(zip(reference.columns, reference.to, strict=True)):
        message = _fault(own, name, key[to.lower()])
        if message is not None:
            yield (*part.place, "columns", index), message


def _fault(own: KnownTable, name: str, to: KnownColumn) -> str | None:
    column = own.columns.get(name.lower())
    if column is None:
        return f"the table has no column {name}"
    if not column.is_written:
        return f"{name} is a field, and fields are not written: make it a column"
    if column.type is not None and to.type is not None and column.type != to.type:
        return f"{name} is {column.type.text}, and {to.name} is {to.type.text}: a foreign key has the type of its key"
    return None


def _circles(draft: Draft) -> Iterator[Mistake]:
    known = draft.by_name
    graph: dict[str, set[str]] = {}
    for name, table in known.items():
        needed = {table.parent.lower()} if table.parent is not None else set()
        needed |= {part.model.table.lower() for part in table.references if part.model is not None}
        graph[name] = needed & known.keys()
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        path = " to ".join(reversed(circle))
        yield (*known[circle[0]].place, "references"), f"parents and references go round: {path}"
