from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.pipelines.xml.check.text import MAX_CHARACTERS, aligned, counted, harmless, shortened, shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        ("null", '"null"'),
        ("", '""'),
        (" as is ", '" as is "'),
        ('5" \\ 6', '"5\\" \\\\ 6"'),
        ("two\nlines", '"two\\nlines"'),
        ("Zoë €", '"Zoë €"'),
        ("no\u00a0break", '"no\\u00a0break"'),
        ("\x9b31m\x7f\u202e", '"\\u009b31m\\u007f\\u202e"'),
        ("\U0001f600\U000e0001", '"\U0001f600\\udb40\\udc01"'),
        (True, "true"),
        (False, "false"),
        (1, "1"),
        (-0.5, "-0.5"),
        (Decimal("1E+3"), "1000"),
        (Decimal("0.00"), "0.00"),
        (date(2026, 1, 31), "2026-01-31"),
        (datetime(2026, 1, 31, 9, 30, 0, 5), "2026-01-31 09:30:00.000005"),  # noqa: DTZ001 - a column without offset
        (datetime(2026, 1, 31, 9, tzinfo=UTC), "2026-01-31 09:00:00+00:00"),
        (datetime(2026, 1, 31, 9, tzinfo=timezone(timedelta(hours=-5))), "2026-01-31 09:00:00-05:00"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    ],
)
def test_a_value_is_shown_as_json_would_write_it_and_texts_alone_have_quotes(value: Any, text: str) -> None:
    assert shown(value) == text


@settings(max_examples=200)
@given(st.text(max_size=MAX_CHARACTERS))
def test_a_text_is_shown_in_printable_characters_from_which_it_can_be_read_back(text: str) -> None:
    line = shown(text)
    assert line.isprintable()
    assert json.loads(line) == json.loads(json.dumps(text))


def test_a_long_text_is_cut_and_its_length_is_told() -> None:
    assert shown("x" * MAX_CHARACTERS) == f'"{"x" * MAX_CHARACTERS}"'
    assert shown("x" * 10_000_000) == f'"{"x" * MAX_CHARACTERS}"… (10000000 characters)'
    assert shortened("CASE\n  WHEN a") == "CASE WHEN a"
    assert len(shortened("word " * 100)) == MAX_CHARACTERS


def test_what_a_terminal_obeys_is_escaped_and_the_rest_of_a_name_stays() -> None:
    assert harmless("Größe/{urn:a\x1b[2J}b") == "Größe/{urn:a\\u001b[2J}b"


def test_columns_are_as_wide_as_their_widest_text_and_lines_end_without_blanks() -> None:
    assert aligned([("a", "bb", ""), ("ccc", "", "d"), ("e", "", "")], "  ") == ["  a    bb", "  ccc      d", "  e"]
    assert aligned([]) == []


def test_one_thing_has_no_plural() -> None:
    assert [counted(number, "row") for number in (0, 1, 2)] == ["0 rows", "1 row", "2 rows"]
