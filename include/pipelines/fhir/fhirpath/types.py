"""Type names, and `ofType`, `as` and `is`: JSON tells an element's type by its name, a resource's by `resourceType`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from include.pipelines.fhir.fhirpath.compiled import NOTHING, Compiled, Item, Scope, of_many, of_one
from include.pipelines.fhir.fhirpath.elements import DATATYPES, PRIMITIVES
from include.pipelines.fhir.fhirpath.numbers import is_number
from include.pipelines.fhir.fhirpath.tree import At, Member, Node

_SYSTEM = {
    "Boolean": "boolean",
    "String": "string",
    "Integer": "integer",
    "Decimal": "decimal",
    "Date": "date",
    "DateTime": "dateTime",
    "Time": "time",
}
"""FHIR's names of FHIRPath's own types."""

_WHOLE = {"integer", "positiveInt", "unsignedInt"}
_TEXTS = PRIMITIVES - {*_WHOLE, "boolean", "decimal"}
"""Types that JSON holds as text; `integer64` is a number in some servers' JSON."""


def type_named(node: Node, at: At) -> str:
    """FHIR's name of a type written as an argument: `Quantity`, `FHIR.dateTime`, `System.String`."""
    match node:
        case Member(source=None | Member(source=None, name="System"), name=name):
            name = _SYSTEM.get(name, name)
        case Member(source=Member(source=None, name="FHIR"), name=name):
            pass
        case _:
            raise at.error(f"{at.token} takes the name of a type")
    if name not in DATATYPES and not name[:1].isupper():
        raise node.at.error("FHIR has no such type")
    return name


def is_resource(type_name: str) -> bool:
    """Whether a type is one of resources: all that are no datatypes."""
    return type_name not in DATATYPES


def of_kind(source: Compiled, type_name: str) -> Compiled:
    """The values of that type, a primitive one or a resource's, as far as JSON tells it."""
    many = source.many

    def evaluate(node: Item, scope: Scope) -> Sequence[Item]:
        found = many(node, scope)
        return [item for item in found if _is(item, type_name)] if found else NOTHING

    return replace(of_many(evaluate), type=type_name if type_name in PRIMITIVES else None)


def is_type(source: Compiled, typed: Compiled) -> Compiled:
    """Whether the one value of the source is among those of the type; empty if there is none."""
    one, many = source.one, typed.many
    return of_one(lambda node, scope: None if one(node, scope) is None else bool(many(node, scope)), "boolean")


def _is(item: Item, type_name: str) -> bool:
    if isinstance(item, dict):
        return item.get("resourceType") == type_name
    if isinstance(item, bool):
        return type_name == "boolean"
    if is_number(item):
        return type_name == "decimal" or (isinstance(item, int) and type_name in {*_WHOLE, "integer64"})
    return isinstance(item, str) and type_name in _TEXTS
