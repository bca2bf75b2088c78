"""`lowBoundary` and `highBoundary`: the first and last value that one of its precision may stand for."""

from __future__ import annotations

import calendar
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from include.pipelines.fhir.fhirpath.compiled import Compiled, Item, Scope, of_one
from include.pipelines.fhir.fhirpath.elements import TEMPORAL
from include.pipelines.fhir.fhirpath.equality import moment
from include.pipelines.fhir.fhirpath.errors import EvaluationError
from include.pipelines.fhir.fhirpath.numbers import EXACT, ROUNDING, exact, is_number, number
from include.pipelines.fhir.fhirpath.temporals import Temporal

MAX_PLACES = 31
"""Decimal places that may be asked for."""

_DIGITS = {"date": (4, 6, 8), "dateTime": (4, 6, 8, 10, 12, 14, 17), "time": (2, 4, 6, 9)}
"""Precisions that may be asked for, in digits; the last is the default."""

WHOLE_DATE = 10
"""Characters of a date that is its own boundary."""

EARLIEST, LATEST = "+14:00", "-12:00"
"""The offsets in which a day begins first and ends last, for a dateTime without one."""


def boundary(source: Compiled, precision: Compiled | None, *, high: bool) -> Compiled:
    """Of a number, date, dateTime, time or Period; empty where there is none, or the precision is none."""
    one = source.one
    asked = None if precision is None else precision.one
    kind = "dateTime" if source.type == "instant" else source.type if source.type in TEMPORAL else None

    def evaluate(node: Item, scope: Scope) -> Item:
        value = one(node, scope)
        digits = None if asked is None else asked(node, scope)
        if value is None or (asked is not None and digits is None):
            return None
        if not (digits is None or isinstance(digits, int)):
            raise EvaluationError("not_number")
        return _boundary(value, kind, digits, high=high)

    return of_one(evaluate, source.type)


def _boundary(value: Item, kind: str | None, digits: int | None, *, high: bool) -> Item:
    if is_number(value):
        return _of_number(Decimal(number(value)), digits, high=high)
    if isinstance(value, dict) and ("start" in value or "end" in value):
        edge = value.get("end" if high else "start")
        return None if edge is None else _boundary(edge, "dateTime", digits, high=high)
    if not isinstance(value, str):
        raise EvaluationError("not_comparable")
    if kind == "date" and digits is None and len(value) == WHOLE_DATE and len(moment(value).day) == 3:
        return value
    parsed = moment(value)
    # An offset begins after the clock, so that a sign within the date is none.
    at = next((at for sign in "Z+-" if (at := value.find(sign, WHOLE_DATE)) >= 0), len(value))
    if digits is None and len(parsed.clock) == 3:
        unwritten = "" if not parsed.day else LATEST if high else EARLIEST
        return _of_second(value[:at], value[at:] or unwritten, high=high)
    return _of_moment(parsed, value[at:], kind, digits, high=high)


def _of_second(text: str, offset: str, *, high: bool) -> str:
    """Of a moment written to the second or further: nearly all are."""
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction[:3]:{'9' if high else '0'}<3}{offset}"


def _of_number(value: Decimal, places: int | None, *, high: bool) -> Decimal | None:
    if places is not None and not 0 <= places <= MAX_PLACES:
        return None
    exponent = value.as_tuple().exponent
    with exact():
        half = Decimal(5).scaleb((exponent if isinstance(exponent, int) else 0) - 1, EXACT)
        edge = EXACT.add(value, half) if high else EXACT.subtract(value, half)
        if places is None:
            return edge
        return edge.quantize(Decimal(1).scaleb(-places), ROUND_CEILING if high else ROUND_FLOOR, ROUNDING)


def _of_moment(value: Temporal, offset: str, kind: str | None, digits: int | None, *, high: bool) -> str | None:
    kind = "time" if not value.day else "dateTime" if value.clock else kind or "date"
    digits = _DIGITS[kind][-1] if digits is None else digits
    if digits not in _DIGITS[kind]:
        return None
    clock = _clock(value.clock, digits if kind == "time" else digits - 8, high=high)
    if kind == "time":
        return clock
    day = _day(value.day, min(digits, 8), high=high)
    return f"{day}T{clock}{offset or (LATEST if high else EARLIEST)}" if digits > 8 else day


def _day(parts: tuple[int, ...], digits: int, *, high: bool) -> str:
    year = parts[0]
    month = parts[1] if len(parts) > 1 else 12 if high else 1
    day = parts[2] if len(parts) > 2 else calendar.monthrange(year, month)[1] if high else 1
    return f"{year:04}-{month:02}-{day:02}"[: {4: 4, 6: 7, 8: 10}[digits]]


def _clock(parts: tuple[int | Decimal, ...], digits: int, *, high: bool) -> str:
    hour = parts[0] if parts else 23 if high else 0
    minute = parts[1] if len(parts) > 1 else 59 if high else 0
    second = str(parts[2]) if len(parts) > 2 else "59" if high else "0"
    whole, _, fraction = second.partition(".")
    text = f"{hour:02}:{minute:02}:{whole:0>2}.{fraction[:3]:{'9' if high else '0'}<3}"
    return text[: {2: 2, 4: 5, 6: 8, 9: 12}.get(digits, 0)]
