"""By hand: DATEADD."""

from __future__ import annotations

from calendar import monthrange
from datetime import MAXYEAR, MINYEAR, date

from include.pipelines.xml.mapping.conversions import Unfit


def months_later(day: date, months: int) -> date:
    """The same day, or the month's last where it is shorter. Raises `Unfit` beyond the calendar."""
    year, month = divmod(12 * day.year + day.month - 1 + months, 12)
    if not MINYEAR <= year <= MAXYEAR:
        raise Unfit("gives a date beyond the calendar")
    if day.day <= 28:
        return day.replace(year, month + 1)
    return day.replace(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
