"""What formulas are at run time: closures over frames. What a formula's text decides is decided before.

Frames are rows: frame 0 is the formula's own, the others may be None. A condition is truthy or not, never NULL.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from include.pipelines.xml.formula.dates import Add
from include.pipelines.xml.formula.like import Matches
from include.pipelines.xml.formula.tree import Operator

Frames = Sequence[Sequence[Any] | None]
Evaluate = Callable[[Frames], Any]
Compare = Callable[[Any, Any], object]

OPERATORS: dict[Operator, Compare] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}

MIRRORED: dict[Operator, Operator] = {"=": "=", "<>": "<>", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
"""The operator that means the same with its sides exchanged."""


def constant(value: Any) -> Evaluate:  # noqa: ANN401 - of any type
    """NULL as well."""
    return lambda _frames: value


def field(frame: int, slot: int) -> Evaluate:
    """NULL where its row is not there."""
    if frame == 0:
        return lambda frames: frames[0][slot]  # type: ignore[index] # frame 0 is always there

    def read(frames: Frames) -> Any:  # noqa: ANN401 - of the field's type
        row = frames[frame]
        return None if row is None else row[slot]

    return read


def converted(read: Evaluate, convert: Callable[[Any], Any]) -> Evaluate:
    """NULL stays NULL, so `convert` never gets it."""

    def evaluate(frames: Frames) -> Any:  # noqa: ANN401 - of the type converted to
        value = read(frames)
        return None if value is None else convert(value)

    return evaluate


def case(whens: Sequence[tuple[Evaluate, Evaluate]], otherwise: Evaluate) -> Evaluate:
    """The first condition that holds decides; later ones are not looked at."""
    pairs = tuple(whens)

    def evaluate(frames: Frames) -> Any:  # noqa: ANN401 - of the values' type
        for holds, value in pairs:
            if holds(frames):
                return value(frames)
        return otherwise(frames)

    return evaluate


def date_add(moment: Evaluate, number: Evaluate, add: Add) -> Evaluate:
    """NULL if either is NULL."""

    def evaluate(frames: Frames) -> Any:  # noqa: ANN401 - date or datetime
        value, count = moment(frames), number(frames)
        return None if value is None or count is None else add(value, count)

    return evaluate


def compares(left: Evaluate, compare: Compare, right: Evaluate) -> Evaluate:
    """False if either is NULL, whatever the operator."""

    def holds(frames: Frames) -> object:
        one, other = left(frames), right(frames)
        return one is not None and other is not None and compare(one, other)

    return holds


def compares_with(left: Evaluate, compare: Compare, value: Any) -> Evaluate:  # noqa: ANN401 - of the left side's form
    """`value` is not None."""

    def holds(frames: Frames) -> object:
        one = left(frames)
        return one is not None and compare(one, value)

    return holds


def field_compares_with(slot: int, compare: Compare, value: Any) -> Evaluate:  # noqa: ANN401 - of the field's form
    """A field of the own row by a literal: most terms are of this kind, and a call less is a third of its time."""

    def holds(frames: Frames) -> object:
        one = frames[0][slot]  # type: ignore[index] # frame 0 is always there
        return one is not None and compare(one, value)

    return holds


def is_among(read: Evaluate, values: frozenset[Any], *, negated: bool) -> Evaluate:
    """`values` hold no None; a NULL is not among them, and not outside of them either."""
    if not negated:
        return lambda frames: read(frames) in values
    with_null = values | {None}
    return lambda frames: read(frames) not in with_null


def is_like(read: Evaluate, matches: Matches, *, negated: bool) -> Evaluate:
    """False, also negated, where the text is NULL."""

    def holds(frames: Frames) -> object:
        text = read(frames)
        return text is not None and matches(text)

    def holds_not(frames: Frames) -> object:
        text = read(frames)
        return text is not None and not matches(text)

    return holds_not if negated else holds


def is_null(read: Evaluate, *, negated: bool) -> Evaluate:
    """Of a value of any type."""
    return (lambda frames: read(frames) is not None) if negated else lambda frames: read(frames) is None


def is_empty(read: Evaluate, *, negated: bool) -> Evaluate:
    """Of a text: NULL or no characters."""
    return read if negated else opposite(read)


def opposite(holds: Evaluate) -> Evaluate:
    """True where the condition is not: for one that a NULL made false, too."""
    return lambda frames: not holds(frames)


def all_of(conditions: Sequence[Evaluate]) -> Evaluate:
    """From left to right, as far as the first that does not hold."""
    if len(conditions) == 2:
        first, second = conditions
        return lambda frames: first(frames) and second(frames)
    every = tuple(conditions)

    def holds(frames: Frames) -> bool:
        for condition in every:  # noqa: SIM110 - a generator costs as much as a condition
            if not condition(frames):
                return False
        return True

    return holds


def any_of(conditions: Sequence[Evaluate]) -> Evaluate:
    """From left to right, as far as the first that holds."""
    if len(conditions) == 2:
        first, second = conditions
        return lambda frames: first(frames) or second(frames)
    every = tuple(conditions)

    def holds(frames: Frames) -> bool:
        for condition in every:  # noqa: SIM110 - a generator costs as much as a condition
            if condition(frames):
                return True
        return False

    return holds
