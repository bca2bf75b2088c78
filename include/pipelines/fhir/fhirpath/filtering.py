"""`where` and `select`: values by a criterion, and what an expression makes of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from include.pipelines.fhir.fhirpath.compiled import NOTHING, Compiled, Item, Scope, of_many, truth


def where(source: Compiled, criterion: Compiled) -> Compiled:
    """The values that the criterion holds for."""
    many, holds = source.many, truth(criterion)

    def evaluate(node: Item, scope: Scope) -> Sequence[Item]:
        found = many(node, scope)
        return [item for item in found if holds(item, scope)] if found else NOTHING

    def first(node: Item, scope: Scope) -> Item:
        for item in many(node, scope):
            if holds(item, scope):
                return item
        return None

    return replace(of_many(evaluate, source), first=first)


def select(source: Compiled, projection: Compiled) -> Compiled:
    """What the projection gives for each value, joined."""
    many, project = source.many, projection.many
    return of_many(
        lambda node, scope: [value for item in many(node, scope) for value in project(item, scope)], projection
    )
