"""What a part of an expression becomes: closures that give all its values, or the only one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from include.pipelines.fhir.fhirpath.errors import EvaluationError

Item = Any
"""A JSON value: dict, list, str, int, Decimal or bool; never None within a collection."""

Scope = tuple[Item, int]
"""What does not change with `$this`: the resource, and `%rowIndex`."""

Many = Callable[[Item, Scope], Sequence[Item]]
"""All values, for `$this` and a scope; the caller must not change the sequence, which may be a part of the resource."""

One = Callable[[Item, Scope], Item]
"""The only value, None where there is none; raises `EvaluationError` for several."""

Step = tuple[str, frozenset[str] | None]
"""An element's name, and the spellings with a type that it may have."""

NOTHING: Sequence[Item] = ()


@dataclass(frozen=True, slots=True)
class Compiled:
    """A part of an expression, ready to run. Safe to call from many threads at once."""

    many: Many
    one: One
    type: str | None = None
    """FHIR's name of the values' type where the expression tells it; else None."""
    by_name: bool = False
    """The type is known by an element's name only: the value may be of another one."""
    made: bool = False
    """The values are made here, so they are of the type whatever the resource holds."""
    single: bool = False
    """There is never more than one value, whatever the resource holds."""
    steps: tuple[Step, ...] | None = None
    """Of a plain path from `$this`."""
    first: One | None = None
    """The first value, where it can be had without looking at the others."""


EMPTY = Compiled(lambda _node, _scope: NOTHING, lambda _node, _scope: None, made=True, single=True)
"""The empty collection."""


def only(many: Many) -> One:
    """The one form of what gives many."""

    def one(node: Item, scope: Scope) -> Item:
        found = many(node, scope)
        if len(found) > 1:
            raise EvaluationError("many_values")
        return found[0] if found else None

    return one


def boxed(one: One) -> Many:
    """The many form of what gives one."""

    def many(node: Item, scope: Scope) -> Sequence[Item]:
        value = one(node, scope)
        return NOTHING if value is None else (value,)

    return many


def of_many(many: Many, like: Compiled | None = None) -> Compiled:
    """Values of the type of `like`."""
    if like is None:
        return Compiled(many, only(many))
    return Compiled(many, only(many), like.type, like.by_name, like.made)


def of_one(one: One, type_name: str | None, *, made: bool = True) -> Compiled:
    """At most one value."""
    return Compiled(boxed(one), one, type_name, made=made, single=True)


def truth(part: Compiled) -> One:
    """True, False or None, as operators and criteria read it: a single value that is no boolean stands for true."""
    one = part.one
    if part.made and part.type == "boolean":
        return one

    def holds(node: Item, scope: Scope) -> bool | None:
        value = one(node, scope)
        return value if value is None or isinstance(value, bool) else True

    return holds
