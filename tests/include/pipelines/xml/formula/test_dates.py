# ruff: noqa: DTZ001 - columns of type datetime hold naive values
from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from include.pipelines.xml.mapping.conversions import Unfit
from tests.include.pipelines.xml.formula.formula_rows import evaluated, holds

EAST = timezone(timedelta(hours=5))


@pytest.mark.parametrize(
    ("unit", "number", "day", "moved"),
    [
        ("day", 1, date(2026, 1, 31), date(2026, 2, 1)),
        ("day", -31, date(2026, 1, 31), date(2025, 12, 31)),
        ("day", 366, date(2024, 1, 1), date(2025, 1, 1)),
        ("day", 0, date(2026, 1, 31), date(2026, 1, 31)),
        ("month", 1, date(2026, 1, 31), date(2026, 2, 28)),
        ("month", 1, date(2024, 1, 31), date(2024, 2, 29)),
        ("month", 1, date(2024, 1, 29), date(2024, 2, 29)),
        ("month", 1, date(2026, 1, 29), date(2026, 2, 28)),
        ("month", 1, date(2000, 1, 30), date(2000, 2, 29)),
        ("month", 1, date(1900, 1, 30), date(1900, 2, 28)),
        ("month", 3, date(2026, 1, 31), date(2026, 4, 30)),
        ("month", -1, date(2026, 3, 31), date(2026, 2, 28)),
        ("month", -1, date(2026, 1, 15), date(2025, 12, 15)),
        ("month", 11, date(2026, 2, 28), date(2027, 1, 28)),
        ("month", 12, date(2026, 12, 31), date(2027, 12, 31)),
        ("month", -25, date(2026, 1, 31), date(2023, 12, 31)),
        ("month", 0, date(2024, 2, 29), date(2024, 2, 29)),
        ("year", 1, date(2024, 2, 29), date(2025, 2, 28)),
        ("year", 4, date(2024, 2, 29), date(2028, 2, 29)),
        ("year", -1, date(2024, 2, 29), date(2023, 2, 28)),
        ("year", 7973, date(2026, 12, 31), date(9999, 12, 31)),
        ("year", -2025, date(2026, 1, 1), date(1, 1, 1)),
    ],
)
def test_days_months_and_years_keep_within_the_month(unit: str, number: int, day: date, moved: date) -> None:
    assert evaluated(f"DATEADD({unit}, {number}, day)", "date", day=day) == moved
    assert evaluated(f"DATEADD({unit}, n, day)", "date", day=day, n=number) == moved
    assert evaluated(f"DATEADD({unit}, {number}, '{day}')", "date") == moved
    assert evaluated(f"DATEADD({unit}, {number}, DATE '{day}')", "date") == moved
    late = datetime(day.year, day.month, day.day, 23, 59, 59, 999_999)
    assert evaluated(f"DATEADD({unit}, {number}, moment)", "datetime", moment=late) == datetime.combine(
        moved, late.time()
    )


@pytest.mark.parametrize(
    ("unit", "number", "moved"),
    [
        ("hour", 2, datetime(2026, 2, 1, 1, 30)),
        ("hour", -24, datetime(2026, 1, 30, 23, 30)),
        ("minute", 29, datetime(2026, 1, 31, 23, 59)),
        ("minute", 30, datetime(2026, 2, 1)),
        ("second", 86_400, datetime(2026, 2, 1, 23, 30)),
        ("second", -1, datetime(2026, 1, 31, 23, 29, 59)),
    ],
)
def test_hours_minutes_and_seconds_pass_midnight_and_keep_the_offset(unit: str, number: int, moved: datetime) -> None:
    moment = datetime(2026, 1, 31, 23, 30)
    assert evaluated(f"DATEADD({unit}, {number}, moment)", "datetime", moment=moment) == moved
    aware = evaluated(f"DATEADD({unit}, {number}, zoned)", "datetimeoffset", zoned=moment.replace(tzinfo=EAST))
    assert aware.isoformat() == moved.isoformat() + "+05:00"


def test_hours_of_a_date_count_from_its_midnight() -> None:
    assert evaluated("DATEADD(hour, 6, day)", "datetime", day=date(2026, 1, 31)) == datetime(2026, 1, 31, 6)
    assert evaluated("DATEADD(hour, 6, '2026-01-31')", "datetime") == datetime(2026, 1, 31, 6)
    assert evaluated("DATEADD(month, 1, day)", "datetime", day=date(2026, 1, 31)) == datetime(2026, 2, 28)
    assert holds("DATEADD(hour, 24, day) = due", day=date(2026, 1, 31), due=date(2026, 2, 1))
    assert holds("DATEADD(hour, 24, '2026-01-31') = '2026-02-01'")


def test_a_text_becomes_the_narrowest_moment_and_compares_as_one() -> None:
    assert holds("DATEADD(day, 1, '2026-01-31') = '2026-02-01'")
    assert holds("DATEADD(day, 1, '2026-01-31T10:00:00') = '2026-02-01T10:00:00'")
    assert holds("DATEADD(day, 1, '2026-01-31T10:00:00+05:00') = zoned", zoned=datetime(2026, 2, 1, 5, tzinfo=UTC))
    assert holds("day > DATEADD(day, 1, CASE WHEN n = 1 THEN '2026-01-31' ELSE due END)", day=date(2026, 2, 2), n=1)


def test_null_in_gives_null_out() -> None:
    assert evaluated("DATEADD(day, 1, day)", "date") is None
    assert evaluated("DATEADD(day, n, day)", "date", day=date(2026, 1, 31)) is None
    assert evaluated("DATEADD(day, NULL, day)", "date", day=date(2026, 1, 31)) is None
    assert evaluated("DATEADD(day, 1, NULL)", "date") is None
    assert not holds("DATEADD(day, 1, app.opened) > '2026-01-31'")


def test_numbers_of_any_type_count_if_they_are_whole() -> None:
    day = date(2026, 1, 31)
    assert evaluated("DATEADD(day, amount, day)", "date", day=day, amount=Decimal("1.00")) == date(2026, 2, 1)
    assert evaluated("DATEADD(day, rate, day)", "date", day=day, rate=1.0) == date(2026, 2, 1)
    assert evaluated("DATEADD(day, 1.0, day)", "date", day=day) == date(2026, 2, 1)


@pytest.mark.parametrize("unit", ["day", "month", "year", "hour", "minute", "second"])
@pytest.mark.parametrize("number", [10**12, -(10**12), 10**90, -(10**90)])
@pytest.mark.parametrize("column", ["day", "moment", "zoned"])
def test_beyond_the_calendar_is_unfit_and_not_quoted(unit: str, number: int, column: str) -> None:
    start = date(2026, 1, 31) if column == "day" else datetime(2026, 1, 31, tzinfo=EAST if column == "zoned" else None)
    result = {"zoned": "datetimeoffset"}.get(column, "datetime")
    for text in (f"DATEADD({unit}, {number}, {column})", f"DATEADD({unit}, m, {column})"):
        with pytest.raises(Unfit, match="not in the years 1 to 9999") as raised:
            evaluated(text, result, **{column: start, "m": number})
        assert str(number) not in str(raised.value)
        assert raised.value.__suppress_context__ or raised.value.__context__ is None


def test_the_ends_of_the_calendar_are_within() -> None:
    assert evaluated("DATEADD(day, 1, day)", "date", day=date(9999, 12, 30)) == date(9999, 12, 31)
    assert evaluated("DATEADD(month, -1, day)", "date", day=date(1, 2, 1)) == date(1, 1, 1)
    for unit in ("day", "month", "year"):
        with pytest.raises(Unfit):
            evaluated(f"DATEADD({unit}, 1, day)", "date", day=date(9999, 12, 31))
        with pytest.raises(Unfit):
            evaluated(f"DATEADD({unit}, -1, day)", "date", day=date(1, 1, 1))
