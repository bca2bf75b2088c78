"""`and`, `or`, `xor`, `implies`, `not` and `iif`, in three values: None is the empty collection."""

from __future__ import annotations

from collections.abc import Sequence

from include.pipelines.fhir.fhirpath.compiled import EMPTY, Compiled, Item, Scope, of_one, truth
from include.pipelines.fhir.fhirpath.equality import negated


def and_(left: Compiled, right: Compiled) -> Compiled:
    """False if either is; the right side is not looked at where the left decides."""
    one, other = truth(left), truth(right)

    def evaluate(node: Item, scope: Scope) -> bool | None:
        a = one(node, scope)
        if a is False:
            return False
        b = other(node, scope)
        return b if a or b is False else None

    return of_one(evaluate, "boolean")


def or_(left: Compiled, right: Compiled) -> Compiled:
    """True if either is; the right side is not looked at where the left decides."""
    one, other = truth(left), truth(right)

    def evaluate(node: Item, scope: Scope) -> bool | None:
        a = one(node, scope)
        if a:
            return True
        b = other(node, scope)
        return b if a is False or b else None

    return of_one(evaluate, "boolean")


def xor(left: Compiled, right: Compiled) -> Compiled:
    """True if exactly one is; empty if either is."""
    one, other = truth(left), truth(right)

    def evaluate(node: Item, scope: Scope) -> bool | None:
        a, b = one(node, scope), other(node, scope)
        return None if a is None or b is None else a is not b

    return of_one(evaluate, "boolean")


def implies(left: Compiled, right: Compiled) -> Compiled:
    """True if the left is false or the right is true."""
    return or_(not_(left), right)


def not_(part: Compiled) -> Compiled:
    """The opposite; empty for empty."""
    return negated(of_one(truth(part), "boolean"))


def iif(criterion: Compiled, then: Compiled, otherwise: Compiled = EMPTY) -> Compiled:
    """The second argument where the first is true, else the third; the other one is not looked at."""
    holds = truth(criterion)

    def many(node: Item, scope: Scope) -> Sequence[Item]:
        return then.many(node, scope) if holds(node, scope) else otherwise.many(node, scope)

    def one(node: Item, scope: Scope) -> Item:
        return then.one(node, scope) if holds(node, scope) else otherwise.one(node, scope)

    return Compiled(
        many,
        one,
        then.type if otherwise is EMPTY or otherwise.type == then.type else None,
        then.by_name or otherwise.by_name,
        then.made and otherwise.made,
        then.single and otherwise.single,
    )
