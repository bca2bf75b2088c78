from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.pipelines.xml.language.steps import STEP_NAMES, StepName
from include.pipelines.xml.mapping.conversions import Unfit
from include.pipelines.xml.mapping.step_functions import TEXT_FUNCTIONS, cut, date_function

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)


@pytest.mark.parametrize(
    ("step", "text", "result"),
    [
        ("trim", " \t a  b\r\n", "a  b"),
        ("trim", "\u00a0a\u00a0", "\u00a0a\u00a0"),
        ("trim", " \n ", ""),
        ("collapse", " a \t\r\n b ", "a b"),
        ("collapse", "a\u00a0 b", "a\u00a0 b"),
        ("collapse", "\n", ""),
        ("upper", "straße", "STRASSE"),
        ("lower", "ÄB", "äb"),
        ("digits", "(555) 010-99", "55501099"),
        ("digits", "\u0663 4", "4"),
        ("digits", "none", ""),
        ("first_number", "USD 1,234.50 net", "1234.50"),
        ("date", "opened 2024-02-29, closed 2024-03-01", "2024-02-29"),
    ],
)
def test_a_step_gives_its_part_of_the_text(step: StepName, text: str, result: str) -> None:
    assert TEXT_FUNCTIONS[step](text) == result


@pytest.mark.parametrize(
    ("step", "text"),
    [
        ("first_number", "n/a"),
        ("first_number", "1,5"),
        ("date", "29.02.2024"),
        ("date", "-"),
    ],
)
def test_a_text_without_a_number_or_date_is_unfit(step: StepName, text: str) -> None:
    with pytest.raises(Unfit, match=r"^holds (no date|no number|a number that is not plainly written)"):
        TEXT_FUNCTIONS[step](text)


def test_an_earlier_form_of_a_date_wins_wherever_it_stands() -> None:
    find = date_function(["%Y-%m-%d", "%d.%m.%Y"])
    assert find("01.01.2024 or 2024-12-31") == "2024-12-31"
    assert find("01.01.2024") == "2024-01-01"
    with pytest.raises(Unfit, match=re.escape("holds no date in the form %Y-%m-%d or %d.%m.%Y")):
        find("1/1/2024")


def test_every_plain_step_has_its_function() -> None:
    assert set(TEXT_FUNCTIONS) == set(STEP_NAMES)


@pytest.mark.parametrize(
    ("text", "units", "result"),
    [
        ("abcd", 4, "abcd"),
        ("abcde", 4, "abcd"),
        ("äöüß", 3, "äöü"),
        ("ab\U0001f600", 4, "ab\U0001f600"),
        ("abc\U0001f600", 4, "abc"),
        ("\U0001f600\U0001f600", 3, "\U0001f600"),
        ("\U0001f600", 1, ""),
        ("\U0001f600\U0001f600\U0001f600", 4, "\U0001f600\U0001f600"),
        ("e\u0301x", 1, "e"),
        ("a\udc00b", 2, "a\udc00"),
    ],
)
def test_a_cut_counts_utf16_units_and_keeps_pairs_whole(text: str, units: int, result: str) -> None:
    assert cut(text, units) == result


@given(st.text(st.sampled_from("aä\U0001f600\U00010000")), st.integers(1, 12))
def test_a_cut_is_the_longest_beginning_that_fits(text: str, units: int) -> None:
    short = cut(text, units)
    assert text.startswith(short)
    assert _units(short) <= units
    assert short == text or _units(text[: len(short) + 1]) > units


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@given(ANY_TEXT, st.sampled_from([name for name in STEP_NAMES if name not in ("upper", "lower")]))
def test_a_second_time_a_step_changes_nothing(text: str, step: StepName) -> None:
    try:
        once = TEXT_FUNCTIONS[step](text)
    except Unfit:
        return
    assert TEXT_FUNCTIONS[step](once) == once


@pytest.mark.parametrize(
    "piece",
    [
        "1",
        "1,",
        "1 ",
        "(",
        "+",
        "+-",
        ".",
        "x-",
        " ",
        "\t1",
        "20",
        "2024-13-",
        "1.1.1.",
        "jan ",
        "Sept",
        "\U0001f600",
        "ß",
    ],
)
def test_a_megabyte_takes_time_in_proportion(piece: str) -> None:
    functions = [
        *TEXT_FUNCTIONS.values(),
        date_function(["%d.%m.%Y", "%b %d, %Y", "%Y%m%d"]),
        lambda text: cut(text, 40),
    ]
    text = piece * (1_000_000 // len(piece))
    started = time.process_time()
    for function in functions:
        try:
            function(text)
        except Unfit:
            continue
    # What grows with the square of the length takes hours here.
    assert time.process_time() - started < 10
