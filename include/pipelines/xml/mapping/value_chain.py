"""A column's text to its value: its steps, its type and what it tolerates, as one function made at compile time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from include.pipelines.xml.language.column_types import ColumnType
from include.pipelines.xml.language.literals import literal_reader
from include.pipelines.xml.language.rules.steps import Enumerations, form_after, step_mistakes
from include.pipelines.xml.language.steps import ConstantStep, DateStep, Fallback, LookupStep, Step
from include.pipelines.xml.mapping.conversions import Convert, Unfit, converter
from include.pipelines.xml.mapping.fitting import fitting
from include.pipelines.xml.mapping.step_functions import TEXT_FUNCTIONS, cut, date_function

__all__ = ["Tolerated", "WarningKind", "chain_of", "step_mistakes"]

WarningKind = Literal["truncated", "unparsable", "unknown"]


@dataclass(frozen=True, slots=True)
class Tolerated:
    """A value taken although something was wrong with its text: to be counted."""

    value: Any
    """None: no value."""
    warning: WarningKind
    also: Literal["unknown"] | None = None
    """A second one to count: a look-up kept a text that it does not know, and the kept text then made `warning`."""


_UNPARSABLE = Tolerated(None, "unparsable")
_UNKNOWN = Tolerated(None, "unknown")
_MISSING = object()
_DATE_LENGTH = len("2026-01-31")


def chain_of(
    column_type: ColumnType,
    steps: Sequence[Step],
    enumerations: Enumerations,
    *,
    too_long: Literal["reject", "truncate"] = "reject",
    unparsable: Literal["reject", "null"] = "reject",
    held: bool = False,
) -> Convert | None:
    """Of steps that `step_mistakes` finds nothing in. None: text that stays as it is.

    `held` is for values that the target's tables do not check: to the type's length, range and scale, too.

    The function takes text that is not empty, and gives a value of the type, None where the steps left nothing, or
    `Tolerated`; it raises `Unfit` where the record must be rejected. Safe to call from many threads at once.
    """
    guard = _tolerant if unparsable == "null" else _strict
    last = _ending(column_type, form_after(_texts(steps))[0], too_long, guard)
    if held:
        last = _held(last, column_type)
    if not steps:
        return last
    *before, final = steps
    if isinstance(final, ConstantStep):
        last = _constant(_value(literal_reader(column_type)(final.constant)))
    elif isinstance(final, LookupStep):
        last = _lookup(final, enumerations, literal_reader(column_type), last)
    else:
        before = list(steps)
    stages = tuple(_stage(step, enumerations, guard) for step in before)
    if not stages:
        return last
    return _alone(stages[0]) if last is None and len(stages) == 1 else _chained(stages, last or _same)


def _texts(steps: Sequence[Step]) -> Sequence[Step]:
    """The steps that work on text whatever the column's type is."""
    return steps[:-1] if steps and isinstance(steps[-1], ConstantStep | LookupStep) else steps


def _ending(column_type: ColumnType, form: str, too_long: str, guard: Callable[[Convert], Convert]) -> Convert | None:
    """From the text that the steps leave to a value of the type."""
    convert = converter(column_type.kind)
    if convert is None:
        return _cutter(column_type.length) if too_long == "truncate" and column_type.kind == "string" else None
    return guard(_midnight(convert) if form == "date" and column_type.kind == "datetime" else convert)


def _held(convert: Convert | None, column_type: ColumnType) -> Convert | None:
    fits = fitting(column_type)
    if convert is None or fits is None:
        return convert or fits

    def hold(text: str) -> Any:  # noqa: ANN401 - of the column's type, or Tolerated
        value = convert(text)
        return value if type(value) is Tolerated else fits(value)

    return hold


def _cutter(limit: int) -> Convert:
    def fit(text: str) -> Any:  # noqa: ANN401 - text, or text that was cut
        if len(text) <= limit and (text.isascii() or 2 * len(text) <= limit):
            return text
        short = cut(text, limit)
        return text if len(short) == len(text) else Tolerated(short or None, "truncated")

    return fit


def _midnight(convert: Convert) -> Convert:
    """For dates; a look-up among the steps may also have put a date and time in a date's place."""
    return lambda text: convert(f"{text}T00:00:00" if len(text) == _DATE_LENGTH else text)


def _strict(convert: Convert) -> Convert:
    return convert


def _tolerant(convert: Convert) -> Convert:
    def attempt(text: str) -> Any:  # noqa: ANN401 - as the converter
        try:
            return convert(text)
        except Unfit:
            return _UNPARSABLE

    return attempt


def _same(text: str) -> str:
    return text


def _constant(value: object) -> Convert:
    return lambda _: value


def _value(literal: Any) -> Any:  # noqa: ANN401 - of any type
    """Empty text is no value, whoever wrote it."""
    return None if literal == "" else literal


def _stage(step: Step, enumerations: Enumerations, guard: Callable[[Convert], Convert]) -> Convert:
    """Text to text: empty or None where nothing is left. What a look-up does with a text is its own affair."""
    if isinstance(step, LookupStep):
        return _lookup(step, enumerations, _same, None)
    if isinstance(step, ConstantStep):
        return _constant(step.constant)
    if isinstance(step, DateStep):
        return guard(date_function(step.date))
    function = TEXT_FUNCTIONS[step]
    return guard(function) if step in ("first_number", "date") else function


def _lookup(
    step: LookupStep, enumerations: Enumerations, read: Callable[[Any], Any], ending: Convert | None
) -> Convert:
    """`ending` is for texts that are kept."""
    fold = str.casefold if step.ignore_case else str
    table = enumerations[step.lookup] if isinstance(step.lookup, str) else step.lookup
    get = {fold(key): _value(read(value)) for key, value in table.items()}.get
    missed = _missed(step, read, ending)

    def look(text: str) -> Any:  # noqa: ANN401 - of the column's type
        value = get(text, _MISSING)
        return missed(text) if value is _MISSING else value

    def look_folded(text: str) -> Any:  # noqa: ANN401 - of the column's type
        value = get(text.casefold(), _MISSING)
        return missed(text) if value is _MISSING else value

    return look_folded if step.ignore_case else look


def _missed(step: LookupStep, read: Callable[[Any], Any], ending: Convert | None) -> Convert:
    """For texts that the table does not hold."""
    if isinstance(step.otherwise, Fallback):
        return _constant(Tolerated(_value(read(step.otherwise.value)), "unknown"))
    if step.otherwise == "null":
        return _constant(_UNKNOWN)
    if step.otherwise == "keep":
        return lambda text: _unknown(text if ending is None else ending(text))
    fault = f"is not in enumeration {step.lookup}" if isinstance(step.lookup, str) else "is not in its look-up's table"

    def reject(_: str) -> Any:  # noqa: ANN401 - it only raises
        raise Unfit(fault)

    return reject


def _unknown(value: Any) -> Tolerated:  # noqa: ANN401 - of any type
    """The value, with the warning that a look-up did not know its text."""
    if type(value) is not Tolerated:
        return Tolerated(value, "unknown")
    return value if value.warning == "unknown" else Tolerated(value.value, value.warning, "unknown")


def _alone(stage: Convert) -> Convert:
    return lambda text: stage(text) or None


def _chained(stages: tuple[Convert, ...], last: Convert) -> Convert:
    def run(text: str) -> Any:  # noqa: ANN401 - of the column's type
        unknown = False
        for stage in stages:
            value = stage(text)
            if type(value) is Tolerated:
                if value.value is None:
                    return _unknown(value) if unknown else value
                unknown = True  # the only warning that comes with a text
                value = value.value
            if not value:
                return _UNKNOWN if unknown else None
            text = value
        return _unknown(last(text)) if unknown else last(text)

    return run
