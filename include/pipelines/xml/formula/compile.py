"""From a formula's tree to closures, its types checked on the way. Done once, when a contract is compiled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from include.pipelines.xml.formula import closures
from include.pipelines.xml.formula.closures import MIRRORED, OPERATORS, Evaluate
from include.pipelines.xml.formula.dates import adder
from include.pipelines.xml.formula.leaves import TIME_UNITS, Resolve, common
from include.pipelines.xml.formula.like import like
from include.pipelines.xml.formula.literals import literal_value
from include.pipelines.xml.formula.tree import (
    At,
    Case,
    Comparison,
    Condition,
    DateAdd,
    In,
    Is,
    Junction,
    Like,
    Literal,
    Name,
    Not,
    Operator,
    Value,
)
from include.pipelines.xml.formula.types import MOMENTS, Want, conversion, form_of, mismatch

_NUMBER = Want("whole", "DATEADD adds a whole number")
_TEXT = Want("text", "LIKE is for texts")


@dataclass(frozen=True, slots=True)
class Operand:
    """A value as compiled, and what is known of it for shorter closures."""

    read: Evaluate
    is_constant: bool = False
    constant: Any = None
    own_slot: int | None = None
    """Where it is a field of the own row, taken as it is."""


def compile_value(node: Value, want: Want, resolve: Resolve) -> Operand:
    """Raises `FormulaError` at the first part that cannot have the form wanted."""
    match node:
        case Name():
            return _name(node, want, resolve)
        case Literal():
            value = literal_value(node, want)
            return Operand(closures.constant(value), is_constant=True, constant=value)
        case Case():
            whens = [
                (_condition(condition, resolve), compile_value(value, want, resolve).read)
                for condition, value in node.whens
            ]
            otherwise = node.otherwise or Literal(None, node.at)
            return Operand(closures.case(whens, compile_value(otherwise, want, resolve).read))
        case DateAdd():
            return _date_add(node, want, resolve)


def _name(node: Name, want: Want, resolve: Resolve) -> Operand:
    ref = resolve(node)
    form = form_of(ref.type.kind)
    read = closures.field(ref.frame, ref.slot)
    try:
        convert = conversion(form, want.form)
    except KeyError:
        raise mismatch(node.at, form, want, is_literal=False) from None
    if convert is None:
        return Operand(read, own_slot=ref.slot if ref.frame == 0 else None)
    return Operand(closures.converted(read, convert))


def _date_add(node: DateAdd, want: Want, resolve: Resolve) -> Operand:
    if want.form not in MOMENTS:
        raise mismatch(node.at, "date", want, is_literal=False)
    if want.form == "date" and node.unit in TIME_UNITS:
        raise node.at.error(f"with {node.unit}s this is a datetime, and {want.reason}: add days, or take a datetime")
    # Without the column: a literal beyond its range may be moved into it.
    moment = compile_value(node.moment, Want(want.form, want.reason), resolve)
    number = compile_value(node.amount, _NUMBER, resolve)
    return Operand(closures.date_add(moment.read, number.read, adder(node.unit)))


def _condition(node: Condition, resolve: Resolve) -> Evaluate:
    match node:
        case Comparison():
            want = common((node.left, node.right), resolve)
            left, right = (compile_value(side, want, resolve) for side in (node.left, node.right))
            return _compared(left, _allowed(node.operator, want, node.at), right)
        case In():
            return _is_in(node, resolve)
        case Like():
            return closures.is_like(
                compile_value(node.value, _TEXT, resolve).read, like(node.pattern), negated=node.negated
            )
        case Is():
            want = common((node.value,), resolve)
            make = closures.is_empty if node.what == "EMPTY" and want.form == "text" else closures.is_null
            return make(compile_value(node.value, want, resolve).read, negated=node.negated)
        case Not():
            return closures.opposite(_condition(node.condition, resolve))
        case Junction():
            conditions = [_condition(condition, resolve) for condition in node.conditions]
            return closures.all_of(conditions) if node.word == "AND" else closures.any_of(conditions)


def _allowed(operator: Operator, want: Want, at: At) -> Operator:
    if want.form == "uuid" and operator not in ("=", "<>"):
        raise at.error("uuids have no order that servers agree on: compare them with = or <>")
    return operator


def _compared(left: Operand, operator: Operator, right: Operand) -> Evaluate:
    if left.is_constant and not right.is_constant:
        left, operator, right = right, MIRRORED[operator], left
    compare = OPERATORS[operator]
    if not right.is_constant:
        return closures.compares(left.read, compare, right.read)
    if right.constant is None:
        return closures.constant(False)
    if left.own_slot is not None:
        return closures.field_compares_with(left.own_slot, compare, right.constant)
    return closures.compares_with(left.read, compare, right.constant)


def _is_in(node: In, resolve: Resolve) -> Evaluate:
    want = common((node.value, *node.choices), resolve)
    value = compile_value(node.value, want, resolve)
    choices = [compile_value(choice, want, resolve) for choice in node.choices]
    if not all(choice.is_constant for choice in choices):
        return _is_any(value, choices, negated=node.negated)
    constants = frozenset(choice.constant for choice in choices)
    if node.negated and None in constants:
        return closures.constant(False)
    return closures.is_among(value.read, constants - {None}, negated=node.negated)


def _is_any(value: Operand, choices: Sequence[Operand], *, negated: bool) -> Evaluate:
    """IN is a row of `=` with OR, NOT IN a row of `<>` with AND: so one NULL in the list makes NOT IN false."""
    tests = [_compared(value, "<>" if negated else "=", choice) for choice in choices]
    return closures.all_of(tests) if negated else closures.any_of(tests)
