"""`=`, `!=`, `in`, `contains`, `|` and `distinct`: what the same value is."""

from __future__ import annotations

from collections.abc import Sequence

from include.pipelines.fhir.fhirpath.compiled import Compiled, Item, One, Scope, of_many, of_one
from include.pipelines.fhir.fhirpath.elements import TEMPORAL
from include.pipelines.fhir.fhirpath.errors import EvaluationError
from include.pipelines.fhir.fhirpath.numbers import is_number, number
from include.pipelines.fhir.fhirpath.temporals import Temporal, compare, parse_temporal


def same(left: Item, right: Item) -> bool:
    """Deep equality of JSON values; 1 and 1.0 are the same, 1 and true are not."""
    if isinstance(left, str) or isinstance(right, str):
        return bool(left == right)
    if is_number(left) and is_number(right):
        return number(left) == number(right)
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(value, right[name]) for name, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return left is right


def are_moments(left: Compiled, right: Compiled) -> bool:
    """Whether texts of both sides are dates, times or dateTimes: if both are known as such, or one for certain."""
    kinds = left.type in TEMPORAL, right.type in TEMPORAL
    if all(kinds):
        return True
    certain = (kinds[0] and not left.by_name) or (kinds[1] and not right.by_name)
    return certain and (left.type is None or right.type is None)


def moment(text: str) -> Temporal:
    """Raises `EvaluationError` for what is none."""
    parsed = parse_temporal(text)
    if parsed is None:
        raise EvaluationError("not_temporal")
    return parsed


def _same_moment(left: Item, right: Item) -> bool | None:
    if not (isinstance(left, str) and isinstance(right, str)):
        return same(left, right)
    order = compare(moment(left), moment(right))
    return None if order is None else order == 0


def _all_same(found: Sequence[Item], others: Sequence[Item], *, moments: bool) -> bool | None:
    if not found or not others:
        return None
    if len(found) != len(others):
        return False
    results = {(_same_moment if moments else same)(a, b) for a, b in zip(found, others, strict=True)}
    return False if False in results else None if None in results else True


def equals(left: Compiled, right: Compiled, literal: Item = None) -> Compiled:
    """Empty if either side is; several values are equal in order. `literal`: the right side's value."""
    moments = are_moments(left, right)
    if isinstance(literal, str) and not moments:
        return of_one(_equals_text(left, literal), "boolean")
    many, others = left.many, right.many
    return of_one(
        lambda node, scope: _all_same(many(node, scope), others(node, scope), moments=moments),
        "boolean",
    )


def _equals_text(left: Compiled, text: str) -> One:
    """`system = 'phone'`: nearly all criteria are of this kind."""
    many = left.many

    def holds(node: Item, scope: Scope) -> bool | None:
        found = many(node, scope)
        return found[0] == text and len(found) == 1 if found else None

    if left.steps is None or len(left.steps) != 1:
        return holds
    name, _ = left.steps[0]

    def member_holds(node: Item, scope: Scope) -> bool | None:
        value = node.get(name) if isinstance(node, dict) else None
        return value == text if isinstance(value, str) else holds(node, scope)

    return member_holds


def negated(part: Compiled) -> Compiled:
    """True for false, false for true, empty for empty."""
    one = part.one

    def evaluate(node: Item, scope: Scope) -> bool | None:
        value = one(node, scope)
        return None if value is None else not value

    return of_one(evaluate, "boolean")


def is_in(left: Compiled, right: Compiled) -> Compiled:
    """Whether the one value of the left is among those of the right; empty if there is none on the left."""
    one, others = left.one, right.many
    moments = are_moments(left, right)
    alike = _same_moment if moments else same

    def evaluate(node: Item, scope: Scope) -> bool | None:
        value = one(node, scope)
        return None if value is None else any(alike(value, other) for other in others(node, scope))

    return of_one(evaluate, "boolean")


def distinct(source: Compiled) -> Compiled:
    """Each value once, in the order of first appearance."""
    many = source.many
    return of_many(lambda node, scope: _unique(many(node, scope)), source)


def _unique(items: Sequence[Item]) -> Sequence[Item]:
    if len(items) < 2:
        return items
    found: list[Item] = []
    texts: set[str] = set()
    for item in items:
        if isinstance(item, str):
            if item not in texts:
                texts.add(item)
                found.append(item)
        elif not any(same(item, other) for other in found):
            found.append(item)
    return found
