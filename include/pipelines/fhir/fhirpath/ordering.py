"""`<`, `<=`, `>` and `>=`."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from include.pipelines.fhir.fhirpath.compiled import Compiled, Item, Scope, of_one
from include.pipelines.fhir.fhirpath.equality import are_moments, moment
from include.pipelines.fhir.fhirpath.errors import EvaluationError
from include.pipelines.fhir.fhirpath.numbers import is_number, number
from include.pipelines.fhir.fhirpath.temporals import compare

ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def ordered(sign: str, left: Compiled, right: Compiled) -> Compiled:
    """Empty if either side is, or if the precision of a moment leaves it open; values must be of one kind."""
    holds, one, other = ORDERS[sign], left.one, right.one
    moments = are_moments(left, right)

    def evaluate(node: Item, scope: Scope) -> bool | None:
        a, b = one(node, scope), other(node, scope)
        if a is None or b is None:
            return None
        if isinstance(a, str) and isinstance(b, str):
            if not moments:
                return holds(a, b)
            order = compare(moment(a), moment(b))
            return None if order is None else holds(order, 0)
        if is_number(a) and is_number(b):
            return holds(number(a), number(b))
        raise EvaluationError("not_comparable")

    return of_one(evaluate, "boolean")
