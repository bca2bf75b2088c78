"""The rules of depth: how many tables may be above a table, and how deep in a document its elements may be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from include.pipelines.xml.language.draft import Draft, DraftTable, Part, conditions_in
from include.pipelines.xml.language.model import ANY_GROUP
from include.pipelines.xml.language.paths import filled_in, parse_path
from include.pipelines.xml.language.places import Mistake, Place

MAX_PARENTS = 50
"""Above a table, one above the other. Databases end far before: a row has the keys of all of them."""

MAX_LEVELS = 250
"""Of elements below the document element: the walk takes two frames a level, and Python ends at a thousand. The
parser's own limit, unless the settings raise it, is 256."""


def level_mistakes(draft: Draft) -> Iterator[Mistake]:
    """Of the first tables that go too deep, not of those below them; only of tables whose parents do not go round."""
    levels: dict[str | None, tuple[int, int]] = {None: (0, 0)}
    """By table: how many are above it, and how deep its rows' elements are."""
    waiting = list(draft.by_name.values())
    while ready := [table for table in waiting if _parent(table) in levels]:
        for table in ready:
            above, top = levels[_parent(table)]
            parents = above + (table.parent is not None)
            depth = top + (0 if table.rows is None else len(table.rows.steps))
            if parents > MAX_PARENTS:
                yield (*table.place, "parent"), f"{table.name} has more than {MAX_PARENTS} tables above it"
            elif depth > MAX_LEVELS:
                yield (*table.place, "rows"), _too_deep(table)
            else:
                levels[(table.name or "").lower()] = parents, depth
                yield from ((place, _too_deep(table)) for place, below in _paths(table) if depth + below > MAX_LEVELS)
        waiting = [table for table in waiting if table not in ready]


def _parent(table: DraftTable) -> str | None:
    return None if table.parent is None else table.parent.lower()


def _too_deep(table: DraftTable) -> str:
    return f"of {table.name}: more than {MAX_LEVELS} levels of elements below the document element"


def _paths(table: DraftTable) -> Iterator[tuple[Place, int]]:
    """All paths that start at the row's element or at a selected one, and how far they lead from the row's."""
    selected = _selected(table)
    parts: tuple[Part[Any], ...] = (*table.values, *table.items, *table.selections, *table.where)
    for part in parts:
        yield (*part.place, "path"), selected.get(part.text("from"), 0) + _steps(part)
    for selection in table.selections:
        for condition in conditions_in(selection.place, selection.raw):
            yield (*condition.place, "path"), selected.get(selection.name, 0) + _steps(condition)


def _selected(table: DraftTable) -> dict[str | None, int]:
    """By selection: how far it leads from the row's element. Those that go round are a mistake of their own."""
    found: dict[str | None, int] = {None: 0}
    waiting = list(table.selections)
    while ready := [selection for selection in waiting if selection.text("from") in found]:
        found |= {selection.name: found[selection.text("from")] + _steps(selection) for selection in ready}
        waiting = [selection for selection in waiting if selection not in ready]
    return found


def _steps(part: Part[Any]) -> int:
    try:
        return len(parse_path(filled_in(part.text("path") or ".", ANY_GROUP)).steps)
    except ValueError:
        return 0  # a mistake of its own
