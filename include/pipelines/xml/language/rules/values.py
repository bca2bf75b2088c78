"""The rules of values: steps fit their column's type and the enumerations, names fit the columns that take them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from include.pipelines.xml.language.columns import Column
from include.pipelines.xml.language.draft import Draft, DraftTable, Part
from include.pipelines.xml.language.literals import literal_reader
from include.pipelines.xml.language.places import Mistake, Place
from include.pipelines.xml.language.rules.keys import key_mistakes
from include.pipelines.xml.language.steps import Step
from include.pipelines.xml.mapping.conversions import Unfit
from include.pipelines.xml.mapping.value_chain import step_mistakes


def value_mistakes(draft: Draft, table: DraftTable) -> Iterator[Mistake]:
    """Of one table."""
    for part in table.values:
        if part.model is not None:
            yield from _steps(draft, part.place, part, part.model.steps)
    taking = next((part for part in table.values if part.text("take") == "item_value"), None)
    for item in table.items:
        if item.model is not None and taking is not None:
            yield from _steps(draft, item.place, taking, item.model.steps)
    yield from _names(table)


def _steps(draft: Draft, place: Place, column: Part[Column], steps: list[Step]) -> Iterator[Mistake]:
    if column.type is None or not steps:
        return
    for inner, message in step_mistakes(column.type, steps, draft.enumerations):
        yield (*place, "steps", *inner), message
    is_trimmed = column.raw.get("trim") is not False
    yield from key_mistakes((*place, "steps"), steps, draft.enumerations, trimmed=is_trimmed)


def _names(table: DraftTable) -> Iterator[Mistake]:
    named_by: dict[str, tuple[Part[Any], ...]] = {"item_name": table.items, "group_name": table.groups}
    for part in table.values:
        named = named_by.get(part.text("take") or "")
        if named is None or part.type is None:
            continue
        read = literal_reader(part.type)
        is_key = (part.name or "").lower() in {name.lower() for _, name in table.primary_key}
        seen: dict[object, str] = {}
        for owner in named:
            if owner.model is None:
                continue
            try:
                value = read(owner.model.name)
            except Unfit as unfit:
                yield owner.place, f"its name does not fit {part.name} ({part.type.text}): {unfit}"
                continue
            first = seen.setdefault(_as_key(value), owner.model.name)
            if is_key and first != owner.model.name:
                both = f"{owner.model.name} and {first} are one value of {part.name} ({part.type.text})"
                yield owner.place, f"{both}, a part of the primary key: their rows would have one key"


def _as_key(value: object) -> object:
    """As keys compare under SQL Server's usual collation: without case, and without blanks at the end."""
    return value.rstrip(" ").casefold() if isinstance(value, str) else value
