"""What the values of a formula are before they are brought to one form: its columns and literals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from include.pipelines.xml.formula.literals import form_of_literal, form_of_moment, may_be_bit
from include.pipelines.xml.formula.tree import At, Case, DateAdd, Literal, Name, Unit, Value
from include.pipelines.xml.formula.types import MOMENTS, WORDS, FieldRef, Form, Want, family_of, form_of, mismatch

Resolve = Callable[[Name], FieldRef]
"""Raises `FormulaError` for a name that is not known."""

TIME_UNITS: tuple[Unit, ...] = ("hour", "minute", "second")
"""What these add to a date gives a datetime."""

_MOMENT = Want("date", "DATEADD adds to a date")


class Says(IntEnum):
    """Columns decide over literals beside them, so that a message points at the literal."""

    NOTHING = 0
    """NULL goes with everything."""
    LITTLE = 1
    """A text may also be read as a date or uuid, 1 and 0 may be bits."""
    MUCH = 2
    """Any other literal."""
    ALL = 3
    """A column."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A column or literal that can become the value."""

    at: At
    form: Form | None
    """None: NULL, which goes with everything."""
    says: Says
    """How much it says about the type meant."""


def leaves(node: Value, resolve: Resolve, *, as_moments: bool = False) -> Iterator[Leaf]:
    """Of one value, in order of appearance. `as_moments`: it stands where only a date can."""
    match node:
        case Name():
            yield Leaf(node.at, form_of(resolve(node).type.kind), Says.ALL)
        case Literal():
            yield _literal(node, as_moment=as_moments)
        case Case():
            values = [value for _, value in node.whens]
            for value in values if node.otherwise is None else (*values, node.otherwise):
                yield from leaves(value, resolve, as_moments=as_moments)
        case DateAdd():
            for leaf in leaves(node.moment, resolve, as_moments=True):
                if leaf.form is not None and leaf.form not in MOMENTS:
                    raise mismatch(leaf.at, leaf.form, _MOMENT, is_literal=leaf.says < Says.ALL)
                is_moved = leaf.form == "date" and node.unit in TIME_UNITS
                yield Leaf(leaf.at, "datetime", leaf.says) if is_moved else leaf


def _literal(node: Literal, *, as_moment: bool) -> Leaf:
    form = form_of_literal(node)
    if form is None:
        return Leaf(node.at, None, Says.NOTHING)
    if form == "text" and as_moment:
        return Leaf(node.at, form_of_moment(node), Says.MUCH)
    return Leaf(node.at, form, Says.LITTLE if form == "text" or may_be_bit(node) else Says.MUCH)


def common(values: Sequence[Value], resolve: Resolve) -> Want:
    """The form that values which are compared are brought to; whether each can be is found when it is."""
    found = [leaf for value in values for leaf in leaves(value, resolve)]
    deciding = max(found, key=lambda leaf: leaf.says)  # the first of those that say most
    if deciding.form is None:
        return Want("text", "NULL alone is beside it")
    form = deciding.form
    if family_of(form) == "number":
        form = "float" if any(leaf.form == "float" for leaf in found) else "exact"
    elif form == "date" and any(leaf.form == "datetime" for leaf in found):
        form = "datetime"
    return Want(form, f"{deciding.at.token} beside it is {WORDS[family_of(form)]}")
