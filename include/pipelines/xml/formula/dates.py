"""DATEADD: dates and times moved within the calendar."""

from __future__ import annotations

from collections.abc import Callable
from datetime import MAXYEAR, MINYEAR, date, datetime, timedelta
from typing import Any

from include.pipelines.xml.formula.tree import Unit
from include.pipelines.xml.mapping.conversions import Unfit

Add = Callable[[Any, int], Any]
"""(date or datetime, number of units): the same type, with its UTC offset as it was. Raises `Unfit` beyond the
calendar."""

_SECONDS: dict[Unit, int] = {"hour": 3600, "minute": 60, "second": 1}
_LAST_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_BEYOND = f"DATEADD gives a date that is not in the years {MINYEAR} to {MAXYEAR}"


def adder(unit: Unit) -> Add:
    """Of one unit."""
    match unit:
        case "day":
            return _add_days
        case "month":
            return _add_months
        case "year":
            return lambda moment, number: _add_months(moment, 12 * number)
    return _seconds_adder(_SECONDS[unit])


def _add_days(moment: date, number: int) -> date:
    try:
        return moment + timedelta(number)
    except OverflowError:
        raise Unfit(_BEYOND) from None


def _seconds_adder(seconds: int) -> Add:
    def add(moment: datetime, number: int) -> datetime:
        try:
            return moment + timedelta(0, seconds * number)
        except OverflowError:
            raise Unfit(_BEYOND) from None

    return add


def _add_months(moment: date, number: int) -> date:
    """The same day, or the month's last where it is shorter."""
    year, month = divmod(12 * moment.year + moment.month - 1 + number, 12)
    if not MINYEAR <= year <= MAXYEAR:
        raise Unfit(_BEYOND)
    day = moment.day
    return moment.replace(year, month + 1, day if day <= 28 else min(day, _last_day(year, month)))


def _last_day(year: int, month: int) -> int:
    """`month` from 0."""
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 29 if month == 1 and is_leap else _LAST_DAYS[month]
