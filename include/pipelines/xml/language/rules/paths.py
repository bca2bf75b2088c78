"""The rules of paths: prefixes that the contract knows, and `{group}` where there are groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from include.pipelines.xml.language.draft import Draft, DraftTable, Part, conditions_in
from include.pipelines.xml.language.model import ANY_GROUP
from include.pipelines.xml.language.paths import GROUP, Path, filled_in, parse_path
from include.pipelines.xml.language.places import Mistake, Place


def path_mistakes(draft: Draft) -> Iterator[Mistake]:
    """Paths that are wrong in themselves are the model's to report."""
    root = Path((draft.root,)) if draft.root is not None else None
    yield from _prefixes(draft, ("root",), root)
    yield from _prefixes(draft, ("key", "path"), draft.key_path)
    for table in draft.tables:
        yield from _prefixes(draft, (*table.place, "rows"), table.rows)
        for place, text in _plain_paths(table):
            if GROUP in text:
                yield place, f"{GROUP} is for the paths of columns, fields and selections"
            else:
                yield from _prefixes(draft, place, _parsed(text))
        yield from _open(draft, table)


def _open(draft: Draft, table: DraftTable) -> Iterator[Mistake]:
    holds_group = False
    for place, text in _open_paths(table):
        sound = _parsed(filled_in(text, ANY_GROUP))
        holds_group = holds_group or GROUP in text or sound is None  # what a wrong path was meant to hold is not known
        if GROUP not in text:
            yield from _prefixes(draft, place, sound)
            continue
        if "groups" not in table.settings:
            yield place, f"{GROUP} is for tables with groups, and this one has none"
        elif sound is not None:
            yield from _of_groups(draft, table, place, text)
    if table.groups and not table.items and not holds_group and table.knows_its_columns:
        yield (*table.place, "groups"), f"no path of the table holds {GROUP}, so all groups would be alike"


def _of_groups(draft: Draft, table: DraftTable, place: Place, text: str) -> Iterator[Mistake]:
    unknown: dict[str, None] = {}
    for part in table.groups:
        if part.model is None:
            continue
        path = _parsed(filled_in(text, part.model.in_paths))
        if path is None:
            yield part.place, f"{filled_in(text, part.model.in_paths)} is no path: give the group an element"
        else:
            unknown |= dict.fromkeys(_unknown(draft, path))
    for prefix in sorted(unknown):
        yield place, f"the prefix {prefix} is not in namespaces"


def _open_paths(table: DraftTable) -> Iterator[tuple[Place, str]]:
    """Those that may hold `{group}`."""
    parts: tuple[Part[Any], ...] = (*table.values, *table.selections)
    for part in parts:
        if (text := part.text("path")) is not None:
            yield (*part.place, "path"), text
    for selection in table.selections:
        for condition in conditions_in(selection.place, selection.raw):
            if (text := condition.text("path")) is not None:
                yield (*condition.place, "path"), text


def _plain_paths(table: DraftTable) -> Iterator[tuple[Place, str]]:
    parts: tuple[Part[Any], ...] = (*table.items, *table.where)
    for part in parts:
        if (text := part.text("path")) is not None:
            yield (*part.place, "path"), text


def _parsed(text: str) -> Path | None:
    try:
        return parse_path(text)
    except ValueError:
        return None


def _prefixes(draft: Draft, place: Place, path: Path | None) -> Iterator[Mistake]:
    for prefix in _unknown(draft, path):
        yield place, f"the prefix {prefix} is not in namespaces"


def _unknown(draft: Draft, path: Path | None) -> list[str]:
    if path is None or draft.prefixes is None:
        return []
    return sorted(path.prefixes() - {*draft.prefixes, "xml"})
