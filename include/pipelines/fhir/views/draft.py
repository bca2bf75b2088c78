"""A definition as far as it can be read, so that mistakes across it are found also where others stand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from include.pipelines.fhir.fhirpath.tree import At, Literal
from include.pipelines.fhir.views.definition import Constant
from include.pipelines.fhir.views.faults import Place

Raw = dict[str, Any]
"""An object of the JSON text, whatever it holds."""

M = TypeVar("M", bound=BaseModel)

ITERATIONS = ("forEach", "forEachOrNull")


def object_of(raw: object) -> Raw:
    """The object, or an empty one for anything else."""
    return raw if isinstance(raw, dict) else {}


def objects(owner: Raw, name: str, place: Place) -> Iterator[tuple[Place, Raw]]:
    """The objects of a list, with their places; nothing where there is no list."""
    found = owner.get(name)
    for index, raw in enumerate(found if isinstance(found, list) else ()):
        yield (*place, name, index), object_of(raw)


def text(owner: Raw, name: str) -> str | None:
    """The text, if it is one."""
    found = owner.get(name)
    return found if isinstance(found, str) and found else None


def valid(raw: Raw, model: type[M]) -> M | None:
    """The part, if the model finds no fault in it."""
    try:
        return model.model_validate(raw)
    except ValidationError:
        return None


def constants(definition: Raw) -> dict[str, Literal]:
    """By name. One whose value is at fault is empty here: its uses are no further mistakes."""
    found: dict[str, Literal] = {}
    for _, raw in objects(definition, "constant", ()):
        constant, name = valid(raw, Constant), text(raw, "name")
        if name is not None:
            found[name] = Literal(None, None, At(1, 1, f"%{name}")) if constant is None else constant.literal
    return found


def selects(owner: Raw, place: Place = ()) -> Iterator[tuple[Place, Raw]]:
    """All selects at any depth, in reading order."""
    for name in ("select", "unionAll"):
        for at, select in objects(owner, name, place):
            yield at, select
            yield from selects(select, at)


def iterations(select: Raw, place: Place) -> Iterator[tuple[Place, str]]:
    """The expressions that a select is repeated by."""
    for name in ITERATIONS:
        if (found := text(select, name)) is not None:
            yield (*place, name), found
    repeat = select.get("repeat")
    for index, path in enumerate(repeat if isinstance(repeat, list) else ()):
        if isinstance(path, str) and path:
            yield (*place, "repeat", index), path
