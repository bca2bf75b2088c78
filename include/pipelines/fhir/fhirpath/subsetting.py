"""`[index]`, `first`, `last`, `tail`, `skip`, `take` and `single`: values by their position."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from include.pipelines.fhir.fhirpath.compiled import NOTHING, Compiled, Item, One, Scope, boxed, of_many
from include.pipelines.fhir.fhirpath.errors import EvaluationError


def _one_of(source: Compiled, one: One) -> Compiled:
    return Compiled(boxed(one), one, source.type, source.by_name, source.made, single=True)


def first(source: Compiled) -> Compiled:
    """The first value, if there is one."""
    many = source.many

    def evaluate(node: Item, scope: Scope) -> Item:
        found = many(node, scope)
        return found[0] if found else None

    return _one_of(source, source.first or evaluate)


def last(source: Compiled) -> Compiled:
    """The last value, if there is one."""
    many = source.many

    def evaluate(node: Item, scope: Scope) -> Item:
        found = many(node, scope)
        return found[-1] if found else None

    return _one_of(source, evaluate)


def single(source: Compiled) -> Compiled:
    """The only value; several are an error of the resource."""
    return _one_of(source, source.one)


def at_index(source: Compiled, index: Compiled) -> Compiled:
    """The value at a position from 0; empty where there is none."""
    many, position = source.many, _position(index)

    def evaluate(node: Item, scope: Scope) -> Item:
        found, at = many(node, scope), position(node, scope)
        return found[at] if at is not None and 0 <= at < len(found) else None

    return _one_of(source, evaluate)


def tail(source: Compiled) -> Compiled:
    """All values but the first."""
    many = source.many
    return of_many(lambda node, scope: many(node, scope)[1:], source)


def skip(source: Compiled, number: Compiled) -> Compiled:
    """All values but so many first ones."""
    return _cut(source, number, lambda found, count: found[max(count, 0) :])


def take(source: Compiled, number: Compiled) -> Compiled:
    """So many first values."""
    return _cut(source, number, lambda found, count: found[: max(count, 0)])


def _cut(source: Compiled, number: Compiled, cut: Callable[[Sequence[Item], int], Sequence[Item]]) -> Compiled:
    many, position = source.many, _position(number)

    def evaluate(node: Item, scope: Scope) -> Sequence[Item]:
        count = position(node, scope)
        return NOTHING if count is None else cut(many(node, scope), count)

    return of_many(evaluate, source)


def _position(number: Compiled) -> One:
    one = number.one

    def evaluate(node: Item, scope: Scope) -> int | None:
        value = one(node, scope)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        raise EvaluationError("not_number")

    return evaluate
