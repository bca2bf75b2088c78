from __future__ import annotations

import locale
from collections.abc import Iterator
from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.pipelines.xml.mapping.date_forms import date_finder, find_iso_date


@pytest.mark.parametrize(
    ("form", "text", "found"),
    [
        ("%d.%m.%Y", "31.01.2024", "2024-01-31"),
        ("%d.%m.%Y", "on 1.2.2024, at noon", "2024-02-01"),
        ("%m/%d/%Y", "12/31/2024 and 01/01/2025", "2024-12-31"),
        ("%d.%m.%Y", "31.02.2024, then 01.03.2024", "2024-03-01"),
        ("%d.%m.%Y", "31.31.01.2024", "2024-01-31"),
        ("%d %m %y", "99 31 01 20", "2020-01-31"),
        ("%Y%m%d", "20240229", "2024-02-29"),
        ("%Y%m%d", "loan 120240229", None),
        ("%Y%m%d", "202402291", None),
        ("%Y%m%d", "2024229", None),
        ("%d%m%Y", "1112024", None),
        ("%y-%m-%d", "68-01-02", "2068-01-02"),
        ("%y-%m-%d", "69-01-02", "1969-01-02"),
        ("%d.%m.%y", "01.02.2024", None),
        ("%b %d, %Y", "JAN 5, 2024", "2024-01-05"),
        ("%b %d, %Y", "xJan 5, 2024", None),
        ("%b %d, %Y", "January 5, 2024", None),
        ("%B %d, %Y", "september 30, 2024", "2024-09-30"),
        ("%d %B %Y", "5 May 2024", "2024-05-05"),
        ("%d %b %Y", "5 \u017fep 2024", None),
        ("%d-%b-%y", "05-DEC-99", "1999-12-05"),
        ("%Y %d %B", "2024 5 Mayor", None),
        ("%Y年%m月%d日", "令和 2024年1月5日", "2024-01-05"),
        ("%d.%m.%Y", "\u0663\u0661.01.2024", None),
        ("(%d.%m.%Y)", "(1.1.2024)", "2024-01-01"),
        ("(%d.%m.%Y)", "1.1.2024", None),
        ("%Y.%m.%d", "2024x01x05", None),
        ("%Y-%m-%d", "0000-01-01", None),
        ("%Y-%m-%d", "", None),
    ],
)
def test_a_form_finds_the_first_date_that_the_calendar_has(form: str, text: str, found: str | None) -> None:
    assert date_finder(form)(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2024-02-29", "2024-02-29"),
        ("since 2024-02-29T12:00:00Z", "2024-02-29"),
        ("2023-02-29 2024-02-29 2024-03-01", "2024-02-29"),
        ("12024-02-29", None),
        ("2024-02-291", None),
        ("2024-2-29", None),
        ("29.02.2024", None),
    ],
)
def test_the_plain_form_has_four_two_and_two_digits(text: str, found: str | None) -> None:
    assert find_iso_date(text) == found


@pytest.mark.parametrize(
    ("form", "fault"),
    [
        ("%d.%m.%Y %H", "%H is not understood; there are %Y, %y, %m, %d, %b, %B"),
        ("%d.%m.%Y%", "% is not understood"),
        ("%%d.%m.%Y", "%% is not understood"),
        ("%d.%m", "give the year once, as %Y or %y"),
        ("%Y-%m", "give the day once, as %d"),
        ("%d %Y", "give the month once, as %m or %b or %B"),
        ("%d %m %b %Y", "give the month once"),
        ("%Y-%y-%m-%d", "give the year once"),
        ("", "give the year once"),
        ("DD.MM.YYYY", "give the year once"),
    ],
)
def test_a_form_that_names_no_day_is_refused_with_what_it_lacks(form: str, fault: str) -> None:
    with pytest.raises(ValueError, match=r"give|understood") as raised:
        date_finder(form)
    assert str(raised.value).startswith(f"{form}: {fault}")


@pytest.fixture
def foreign_months() -> Iterator[None]:
    """Of the first of these locales that the machine has; with none of them, the plain one."""
    before = locale.setlocale(locale.LC_TIME)
    for name in ("de_DE.UTF-8", "fr_FR.UTF-8", "es_ES.UTF-8", "C"):
        with suppress(locale.Error):
            locale.setlocale(locale.LC_TIME, name)
            break
    yield
    locale.setlocale(locale.LC_TIME, before)


@pytest.mark.usefixtures("foreign_months")
@pytest.mark.parametrize(
    ("name", "number"), [("March", 3), ("May", 5), ("October", 10), ("März", None), ("mars", None)]
)
def test_month_names_are_english_whatever_the_locale_says(name: str, number: int | None) -> None:
    expected = None if number is None else f"2024-{number:02}-01"
    assert date_finder("%B %d %Y")(f"{name} 1 2024") == expected


@given(
    st.dates(),
    st.sampled_from(["%Y-%m-%d", "%d.%m.%Y", "%Y%m%d", "%d-%b-%Y", "%B %d, %Y"]),
    st.text("x .,", max_size=9),
)
def test_a_written_date_comes_back_from_within_a_text(day: date, form: str, around: str) -> None:
    names = {1: "Jan", 2: "Feb", 3: "Mar", 4: "Apr", 5: "May", 6: "Jun"}
    names |= {7: "Jul", 8: "Aug", 9: "Sep", 10: "Oct", 11: "Nov", 12: "Dec"}
    full = {1: "January", 2: "February", 3: "March", 4: "April", 5: "May", 6: "June"}
    full |= {7: "July", 8: "August", 9: "September", 10: "October", 11: "November", 12: "December"}
    written = form.replace("%Y", f"{day.year:04}").replace("%m", f"{day.month:02}").replace("%d", f"{day.day:02}")
    written = written.replace("%b", names[day.month]).replace("%B", full[day.month])
    assert date_finder(form)(f"{around} {written} {around}") == day.isoformat()
