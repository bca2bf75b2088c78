"""Numbers: exact, in as many digits as a column of any database holds twice over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Context, Decimal, DecimalException, DivisionByZero, Inexact, InvalidOperation, Overflow

from include.pipelines.fhir.fhirpath.compiled import Compiled, Item, Scope, of_one
from include.pipelines.fhir.fhirpath.errors import EvaluationError

_TRAPS = [InvalidOperation, Overflow, DivisionByZero]

EXACT = Context(prec=76, traps=[*_TRAPS, Inexact])
"""Of sums, products and remainders: none is rounded; those of what fits a column have fewer digits."""

ROUNDING = Context(prec=76, traps=_TRAPS)
"""Where fewer places are asked for."""

DIVISION = Context(prec=28, traps=_TRAPS)
"""Digits of a quotient."""

Number = int | Decimal
Calculate = Callable[[Number, Number], Number | None]


def is_number(value: Item) -> bool:
    """JSON's true and false are none, though Python's are."""
    return isinstance(value, int | Decimal | float) and not isinstance(value, bool)


def number(value: Item) -> Number:
    """Raises `EvaluationError` for what is none. A float, from another parser of JSON, stands for its shortest text."""
    if not is_number(value):
        raise EvaluationError("not_number")
    return Decimal(repr(value)) if isinstance(value, float) else value


@contextmanager
def exact() -> Iterator[None]:
    """Results with more digits than there are, and exponents beyond all use, are errors of the resource."""
    try:
        yield
    except DecimalException:
        raise EvaluationError("arithmetic") from None


def _divide(left: Number, right: Number) -> Number | None:
    return DIVISION.divide(left, right) if right else None


def _div(left: Number, right: Number) -> Number | None:
    return int(EXACT.divide_int(Decimal(left), Decimal(right))) if right else None


def _mod(left: Number, right: Number) -> Number | None:
    if not right:
        return None
    rest = EXACT.remainder(Decimal(left), Decimal(right))
    return int(rest) if isinstance(left, int) and isinstance(right, int) else rest


def _exactly(operation: Callable[[Decimal, Decimal], Decimal], of_integers: Callable[[int, int], int]) -> Calculate:
    def calculate(left: Number, right: Number) -> Number:
        if isinstance(left, int) and isinstance(right, int):
            return of_integers(left, right)
        return operation(Decimal(left), Decimal(right))

    return calculate


CALCULATIONS: dict[str, Calculate] = {
    "+": _exactly(EXACT.add, int.__add__),
    "-": _exactly(EXACT.subtract, int.__sub__),
    "*": _exactly(EXACT.multiply, int.__mul__),
    "/": _divide,
    "div": _div,
    "mod": _mod,
}
"""By operator; None where a divisor is zero."""


def calculated(operator: str, left: Compiled, right: Compiled) -> Compiled:
    """Empty if either side is; `+` also joins texts."""
    calculate, one, other = CALCULATIONS[operator], left.one, right.one

    def evaluate(node: Item, scope: Scope) -> Item:
        a, b = one(node, scope), other(node, scope)
        if a is None or b is None:
            return None
        if operator == "+" and isinstance(a, str) and isinstance(b, str):
            return a + b
        with exact():
            return calculate(number(a), number(b))

    return of_one(evaluate, _type_of(operator, left, right))


def _type_of(operator: str, left: Compiled, right: Compiled) -> str | None:
    if operator == "div":
        return "integer"
    if operator == "+" and "string" in (left.type, right.type):
        return "string"
    whole = left.type == right.type == "integer" and left.made and right.made
    if whole and operator != "/":
        return "integer"
    return None if operator == "+" else "decimal"


def signed(sign: str, part: Compiled) -> Compiled:
    """`-x` or `+x`."""
    one = part.one

    def evaluate(node: Item, scope: Scope) -> Item:
        value = one(node, scope)
        if value is None:
            return None
        with exact():
            return CALCULATIONS[sign](0, number(value))

    return of_one(evaluate, part.type)
