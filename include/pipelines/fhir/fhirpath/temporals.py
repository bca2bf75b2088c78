"""Dates, times and dateTimes of FHIR with the precision that they are written with."""

from __future__ import annotations

import calendar
import re
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

_FORM = re.compile(
    r"(?:([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?)?"  # year, month, day
    r"(?:(T)?([0-9]{2})(?::([0-9]{2})(?::([0-9]{2}(?:\.[0-9]+)?))?)?"  # hour, minute, second
    r"(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
_DAYS = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Temporal(NamedTuple):
    """A date, time or dateTime."""

    day: tuple[int, ...]
    """Year, month and day, as many of them as are written; empty for a time."""
    clock: tuple[int | Decimal, ...]
    """Hour, minute and second (with its fraction), as many of them as are written."""
    offset: int | None
    """Minutes east of UTC; None where none is written."""

    @property
    def utc(self) -> tuple[int | Decimal, ...]:
        """Minutes since a fixed day, then the second if it is written; for dateTimes with an offset and minutes."""
        year, month, day = self.day
        minutes = date(year, month, day).toordinal() * 1440 + int(self.clock[0]) * 60 + int(self.clock[1])
        return (minutes - (self.offset or 0), *self.clock[2:])


@lru_cache(maxsize=4096)
def parse_temporal(text: str) -> Temporal | None:
    """None for what is none, or is on no calendar or clock."""
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    year, month, day, mark, hour, minute, second, offset = found.groups()
    if year is None:
        if hour is None or mark or offset:
            return None
    elif hour is None:
        if offset or not _on_calendar(int(year), int(month or 1), int(day or 1)):
            return None
    elif day is None or not mark or not _on_calendar(int(year), int(month), int(day)):
        return None
    clock = () if hour is None else _clock(hour, minute, second)
    if clock is None:
        return None
    return Temporal(tuple([int(part) for part in (year, month, day) if part]), clock, _minutes(offset))


def _on_calendar(year: int, month: int, day: int) -> bool:
    if not (year and 1 <= month <= 12 and 1 <= day <= _DAYS[month]):
        return False
    return month != 2 or day < 29 or calendar.isleap(year)


def _clock(hour: str, minute: str | None, second: str | None) -> tuple[int | Decimal, ...] | None:
    if hour >= "24" or (minute or "") >= "60" or (second or "") >= "61":  # FHIR allows 60 for a leap second
        return None
    if minute is None:
        return (int(hour),)
    return (int(hour), int(minute)) if second is None else (int(hour), int(minute), Decimal(second))


def _minutes(offset: str | None) -> int | None:
    if offset is None or offset == "Z":
        return None if offset is None else 0
    minutes = int(offset[1:3]) * 60 + int(offset[4:6])
    return -minutes if offset[0] == "-" else minutes


def compare(left: Temporal, right: Temporal) -> int | None:
    """Below, equal or above 0; None where the precision of one, or a missing offset, leaves it open.

    Dates without a time of day are compared with the day that the other side writes, in whatever offset.
    """
    if bool(left.day) != bool(right.day):
        return None
    one, other = (*left.day, *left.clock), (*right.day, *right.clock)
    if len(left.clock) > 1 and len(right.clock) > 1 and left.day:
        if (left.offset is None) != (right.offset is None):
            return None
        one, other = left.utc, right.utc
    for a, b in zip(one, other, strict=False):
        if a != b:
            return -1 if a < b else 1
    return 0 if len(one) == len(other) else None
