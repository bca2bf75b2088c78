"""`empty`, `exists`, `all` and `count`."""

from __future__ import annotations

from include.pipelines.fhir.fhirpath.compiled import Compiled, Item, Scope, of_one, truth


def empty(source: Compiled) -> Compiled:
    """Whether there is no value."""
    many = source.many
    return of_one(lambda node, scope: not many(node, scope), "boolean")


def exists(source: Compiled, criterion: Compiled | None = None) -> Compiled:
    """Whether there is a value; with a criterion, one that it holds for."""
    many = source.many
    if criterion is None:
        return of_one(lambda node, scope: bool(many(node, scope)), "boolean")
    holds = truth(criterion)

    def evaluate(node: Item, scope: Scope) -> bool:
        for item in many(node, scope):  # noqa: SIM110 - a generator costs as much as most criteria
            if holds(item, scope):
                return True
        return False

    return of_one(evaluate, "boolean")


def all_(source: Compiled, criterion: Compiled) -> Compiled:
    """Whether the criterion holds for every value; true where there is none."""
    many, holds = source.many, truth(criterion)
    return of_one(lambda node, scope: all(holds(item, scope) for item in many(node, scope)), "boolean")


def count(source: Compiled) -> Compiled:
    """How many values there are."""
    many = source.many
    return of_one(lambda node, scope: len(many(node, scope)), "integer")
