"""The rules of rows: items, groups, selections, conditions, duplicates, and what they ask of columns and parents."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from typing import Any

from include.pipelines.xml.language.columns import Column
from include.pipelines.xml.language.draft import Draft, DraftTable, Part, conditions_in
from include.pipelines.xml.language.places import Mistake, Place, written
from include.pipelines.xml.language.table import Condition


def row_mistakes(draft: Draft, table: DraftTable) -> Iterator[Mistake]:
    """Of one table."""
    parent = draft.parent_of(table)
    if parent is not None and (parent.makes_rows or parent.write == "filled"):
        message = f"{parent.name} writes rows only where they hold something, so it cannot be a parent"
        yield (*table.place, "parent"), f"{message} (items, groups, write: filled)"
    if table.items and table.groups:
        yield (*table.place, "groups"), "a table has items or groups, not both"
    yield from _taken(table)
    yield from _item_values(table)
    yield from _filling(table)
    yield from _doubled_names(table.items)
    yield from _doubled_names(table.groups)
    yield from _duplicates(table)
    yield from _selections(table)


def _taken(table: DraftTable) -> Iterator[Mistake]:
    for part in table.values:
        take = part.text("take")
        if take in ("item_name", "item_value") and "items" not in table.settings:
            yield (*part.place, "take"), f"{take} is for tables with items, and this one has none"
        if take == "group_name" and "groups" not in table.settings:
            yield (*part.place, "take"), "group_name is for tables with groups, and this one has none"


def _item_values(table: DraftTable) -> Iterator[Mistake]:
    if not table.items:
        return
    taking = [part for part in table.values if part.text("take") == "item_value"]
    if not taking and table.knows_its_columns and all(part.model is not None for part in table.values):
        yield (*table.place, "items"), 'no column has "take": "item_value", so the values of the items go nowhere'
    for part in taking[1:]:
        yield (*part.place, "take"), f"exactly one column takes item_value, and {taking[0].name} does already"


def _filling(table: DraftTable) -> Iterator[Mistake]:
    """Of tables that write a row only where a column holds a value from the document."""
    asks = "write" if table.write == "filled" else "groups" if table.groups and not table.items else None
    if asks is None or not table.knows_its_columns or any(map(_may_fill, table.columns)):
        return
    missing = "no column takes a value from the document, or all say fills: false, so there would never be a row"
    yield (*table.place, asks), f"{missing}; fields, constants, calculated columns and names fill none"


def _may_fill(part: Part[Column]) -> bool:
    column = part.model
    return column is None or (column.fills and (column.path is not None or column.take == "item_value"))


def _doubled_names(parts: Iterable[Part[Any]]) -> Iterator[Mistake]:
    seen: dict[str, Place] = {}
    for part in parts:
        name = None if part.model is None else part.model.name
        if name is not None and (first := seen.setdefault(name, part.place)) != part.place:
            yield part.place, f"{name} is there already: {written(first)}"


def _duplicates(table: DraftTable) -> Iterator[Mistake]:
    if table.duplicates in (None, "reject"):
        return
    place = (*table.place, "duplicates")
    if not table.primary_key:
        yield place, "duplicates are rows of one primary_key: name its columns"
    elif table.row_number is not None and table.row_number.lower() in {name.lower() for _, name in table.primary_key}:
        yield place, f"no two rows have one {table.row_number}: leave the row number out of the primary_key"
    if table.duplicates == "priority":
        yield from _priority(place, table.where)


def _priority(place: Place, where: tuple[Part[Condition], ...]) -> Iterator[Mistake]:
    if all(part.model is not None and part.model.allowed is None for part in where):
        yield place, "priority is the order of the values in a condition: give where one with in"


def _selections(table: DraftTable) -> Iterator[Mistake]:
    names = [selection.name or "" for selection in table.selections]
    starting: tuple[Part[Any], ...] = (*table.values, *table.items, *table.selections)
    for part in starting:
        source = part.text("from")
        if source is not None and source not in names:
            near = difflib.get_close_matches(source, names, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names) or 'none'}"
            yield (*part.place, "from"), f"there is no selection {source} in this table; {hint}"
    for selection in table.selections:
        if selection.text("take") == "priority":
            yield from _priority((*selection.place, "take"), conditions_in(selection.place, selection.raw))
    sources = {part.name or "": part.text("from") for part in table.selections}
    graph = {name: [source] for name, source in sources.items() if source in sources and source is not None}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        place = (*table.place, "selections", circle[0], "from")
        yield place, "the selections go round: " + " to ".join(reversed(circle))
