from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.pipelines.xml.formula.grammar import MAX_DEPTH
from include.pipelines.xml.formula.language import FormulaError, parse_formula


@pytest.mark.parametrize(
    ("text", "line", "column", "token", "fix"),
    [
        ("", 1, 1, "", "the formula is empty; expected a value"),
        (" \n ", 2, 2, "", "the formula is empty"),
        ("a b", 1, 3, "b", "expected the end of the formula"),
        ("a = 1", 1, 3, "=", "a condition stands within CASE WHEN"),
        ("a IN (1)", 1, 3, "IN", "a condition stands within CASE WHEN"),
        ("NOT a = 1", 1, 1, "NOT", "expected a value"),
        ("CASE a WHEN 1 THEN 2 END", 1, 6, "a", "expected WHEN"),
        ("CASE END", 1, 6, "END", "expected WHEN"),
        ("CASE WHEN flag THEN 1 END", 1, 16, "THEN", "a value alone is no condition (of a bit, write = TRUE)"),
        ("CASE WHEN flag AND a = 1 THEN 1 END", 1, 16, "AND", "a value alone is no condition"),
        ("CASE WHEN (flag) = 1 OR (b) THEN 1 END", 1, 29, "THEN", "a value alone is no condition"),
        ("CASE WHEN a = THEN 1 END", 1, 15, "THEN", "expected a value"),
        ("CASE WHEN a = 1 AND THEN 1 END", 1, 21, "THEN", "expected a condition"),
        ("CASE WHEN a == 1 THEN 1 END", 1, 14, "=", "expected a value"),
        ("CASE WHEN a != 1 THEN 1 END", 1, 13, "!", "not equal is written <>"),
        ("CASE WHEN a = 1 THEN END", 1, 22, "END", "expected a value"),
        ("CASE WHEN a = 1\n  THEN 2\n  ELSE", 3, 7, "", "the formula stops too early; expected a value"),
        ("CASE WHEN a = 1 THEN 2", 1, 23, "", "expected ELSE or END or WHEN"),
        ("CASE WHEN a = 1 THEN 2 ELSE 3 ELSE 4 END", 1, 31, "ELSE", "expected END"),
        ("CASE WHEN (a = 1 THEN 2 END", 1, 18, "THEN", "expected )"),
        ("CASE WHEN a = 1) THEN 2 END", 1, 16, ")", "expected THEN"),
        ("CASE WHEN a LIKE b THEN 1 END", 1, 18, "b", "expected a text in quotes"),
        ("CASE WHEN a NOT = 1 THEN 1 END", 1, 17, "=", "expected IN or LIKE"),
        ("CASE WHEN a IN () THEN 1 END", 1, 17, ")", "expected a value"),
        ("CASE WHEN a IN 1 THEN 1 END", 1, 16, "1", "expected ("),
        ("CASE WHEN a IS 5 THEN 1 END", 1, 16, "5", "expected EMPTY or NOT or NULL"),
        ("CASE WHEN end = 1 THEN 2 END", 1, 11, "end", "written with its table: table.end"),
        ("CASE WHEN a = 1\n\tTHEN 'abc", 2, 7, "'", "the text is not closed"),
        ('"a"', 1, 1, '"', "texts stand in single quotes"),
        ("[a]", 1, 1, "[", "names stand without brackets"),
        ("a.b.c", 1, 4, ".", "a name is a column or table.column"),
        ("a + 1", 1, 3, "+", "formulas have no arithmetic"),
        ("LEFT(a, 1)", 1, 5, "(", "the only function is DATEADD(unit, number, value)"),
        ("a;", 1, 2, ";", "a formula ends without a sign"),
        ("größe", 1, 3, "ö", "no meaning in a formula"),
        ("\u212aASE", 1, 1, "\u212a", "no meaning in a formula"),
        ("DATEADD(fortnight, 1, a)", 1, 9, "fortnight", "units are day, month, year, hour, minute, second"),
        ("DATEADD('day', 1, a)", 1, 9, "'day'", "expected a unit (day, month"),
        ("DATEADD(day, 1)", 1, 15, ")", "expected ,"),
        ("DATE '2026-02-30'", 1, 1, "DATE '2026-02-30'", "write DATE 'YYYY-MM-DD', of a day that exists"),
        ("DATE '2026-W01-1'", 1, 1, "DATE '2026-W01-1'", "write DATE 'YYYY-MM-DD'"),
        ("DATE '20260131'", 1, 1, "DATE '20260131'", "write DATE 'YYYY-MM-DD'"),
        ("9" * 101, 1, 1, "9" * 59 + "…", "a number has at most 100 digits"),
    ],
)
def test_a_mistake_is_told_with_line_column_token_and_fix(
    text: str, line: int, column: int, token: str, fix: str
) -> None:
    with pytest.raises(FormulaError) as raised:
        parse_formula(text)
    error = raised.value
    assert (error.line, error.column, error.token) == (line, column, token)
    assert fix in error.message
    assert error.__suppress_context__ or error.__context__ is None


def test_the_text_of_an_error_holds_all_of_it_and_survives_copies() -> None:
    with pytest.raises(FormulaError) as raised:
        parse_formula("CASE WHEN a = 1\nTHEN, 2 END")
    text = str(raised.value)
    assert text.startswith("at , (line 2, column 5 of the formula): expected a value")
    for twin in (pickle.loads(pickle.dumps(raised.value)), copy.copy(raised.value)):
        assert (str(twin), twin.token, twin.column) == (text, ",", 5)
    with pytest.raises(FormulaError, match=r"^at the end \(line 1, column 5 of the formula\): "):
        parse_formula("CASE")


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("CASE WHEN " + "NOT " * 3_000 + "a = 1 THEN 1 END", "NOT"),
        ("CASE WHEN a = 1 THEN " * 3_000 + "1" + " END" * 3_000, "a"),
        ("CASE WHEN " * 3_000 + "1 = 1" + " THEN 1 END = 1" * 2_999 + " THEN 1 END", "CASE"),
        ("DATEADD(day, 1, " * 3_000 + "a" + ")" * 3_000, "1"),
        ("DATEADD(day, " * 3_000 + "1" + ", a)" * 3_000, "DATEADD"),
    ],
)
def test_a_formula_too_deep_is_a_mistake_whatever_makes_it_deep(text: str, token: str) -> None:
    with pytest.raises(FormulaError, match=f"more than {MAX_DEPTH} levels deep") as raised:
        parse_formula(text)
    assert raised.value.token == token
    assert raised.value.column > 100


@pytest.mark.parametrize("text", ["(" * 3_000, "CASE WHEN (" * 3_000, "DATEADD(day, " * 3_000])
def test_a_deep_formula_that_is_not_closed_is_a_mistake_at_its_end(text: str) -> None:
    with pytest.raises(FormulaError, match="stops too early") as raised:
        parse_formula(text)
    assert raised.value.column == len(text) + 1


WORDS = st.sampled_from(
    [
        "CASE", "WHEN", "THEN", "ELSE", "END", "AND", "OR", "NOT", "LIKE", "IN", "IS", "EMPTY", "NULL", "TRUE", "DATE",
        "DATEADD", "day", "a", "app.b", "=", "<>", "<=", "(", ")", ",", "1", "-.5", "'x'", "'", "''", ".", "\n", "-",
        "DATE '2026-01-31'", "DATE ''", "\0", "é",
    ]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(), st.lists(WORDS, max_size=25).map(" ".join), st.lists(WORDS, max_size=25).map("".join)))
def test_no_text_raises_anything_but_formula_errors_and_their_places_are_in_the_text(text: str) -> None:
    error = mistake_of(text)
    if error is not None:
        lines = text.split("\n")
        assert 1 <= error.line <= len(lines)
        assert lines[error.line - 1][error.column - 1 :].startswith(error.token.rstrip("…").split("\n")[0])


def mistake_of(text: str) -> FormulaError | None:
    try:
        parse_formula(text)
    except FormulaError as error:
        return error
    return None
