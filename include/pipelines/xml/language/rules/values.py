"""The rules of values: steps fit their column's type and the enumerations, names fit the columns that take them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from include.pipelines.xml.language.column_types import ColumnType
from include.pipelines.xml.language.draft import Draft, DraftTable, Part
from include.pipelines.xml.language.literals import literal_reader
from include.pipelines.xml.language.places import Mistake, Place
from include.pipelines.xml.language.steps import Step
from include.pipelines.xml.mapping.conversions import Unfit
from include.pipelines.xml.mapping.value_chain import step_mistakes


def value_mistakes(draft: Draft, table: DraftTable) -> Iterator[Mistake]:
    """Of one table."""
    item_type = next((part.type for part in table.values if part.text("take") == "item_value"), None)
    for part in table.values:
        if part.model is not None:
            yield from _steps(draft, part.place, part.type, part.model.steps)
    for item in table.items:
        if item.model is not None:
            yield from _steps(draft, item.place, item_type, item.model.steps)
    yield from _names(table)


def _steps(draft: Draft, place: Place, type_: ColumnType | None, steps: list[Step]) -> Iterator[Mistake]:
    if type_ is None or not steps:
        return
    for inner, message in step_mistakes(type_, steps, draft.enumerations):
        yield (*place, "steps", *inner), message


def _names(table: DraftTable) -> Iterator[Mistake]:
    named_by: dict[str, tuple[Part[Any], ...]] = {"item_name": table.items, "group_name": table.groups}
    for part in table.values:
        named = named_by.get(part.text("take") or "")
        if named is None or part.type is None:
            continue
        read = literal_reader(part.type)
        for owner in named:
            if owner.model is None:
                continue
            try:
                read(owner.model.name)
            except Unfit as unfit:
                yield owner.place, f"its name does not fit {part.name} ({part.type.text}): {unfit}"
