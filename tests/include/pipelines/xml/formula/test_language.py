# ruff: noqa: DTZ001 - columns of type datetime hold naive values
from __future__ import annotations

import sys
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest

from include.pipelines.xml.formula.grammar import MAX_DEPTH
from include.pipelines.xml.formula.language import FormulaError, compile_formula, parse_formula
from include.pipelines.xml.language.column_types import parse_type
from tests.include.pipelines.xml.formula.formula_rows import compiled, evaluated, holds, resolve

EAST = timezone(timedelta(hours=5))
ID = UUID("6f9619ff-8b86-d011-b42d-00c04fc964ff")


@pytest.mark.parametrize(
    ("operator", "less", "equal", "more"),
    [
        ("=", False, True, False),
        ("<>", True, False, True),
        ("<", True, False, False),
        (">", False, False, True),
        ("<=", True, True, False),
        (">=", False, True, True),
    ],
)
def test_an_operator_compares_with_literals_on_either_side_and_with_fields(
    operator: str, less: bool, equal: bool, more: bool
) -> None:
    for value, truth in ((4, less), (5, equal), (6, more)):
        assert holds(f"n {operator} 5", n=value) is truth
        assert holds(f"{value} {operator} n", n=5) is truth
        assert holds(f"n {operator} m", n=value, m=5) is truth
        assert holds(f"n {operator} app.n", {"n": 5}, n=value) is truth
        assert holds(f"app.n {operator} 5", {"n": value}) is truth
        assert holds(f"{value} {operator} 5") is truth


@pytest.mark.parametrize("operator", ["=", "<>", "<", ">", "<=", ">="])
def test_a_comparison_with_null_is_false_and_its_opposite_too_but_not_makes_it_true(operator: str) -> None:
    for condition in (f"n {operator} 5", f"5 {operator} n", f"n {operator} m", f"n {operator} NULL", f"n {operator} n"):
        assert not holds(condition)
        assert holds(f"NOT {condition}")
    assert not holds(f"m {operator} NULL", m=1)
    assert not holds(f"NULL {operator} NULL")
    assert not holds(f"app.n {operator} 5")


@pytest.mark.parametrize(
    ("condition", "values", "truth"),
    [
        ("n = 5.0", {"n": 5}, True),
        ("amount = 5", {"amount": Decimal("5.00")}, True),
        ("amount > 4.99", {"amount": Decimal("5.00")}, True),
        ("amount < n", {"amount": Decimal("4.99"), "n": 5}, True),
        ("amount = -.5", {"amount": Decimal("-0.50")}, True),
        ("rate = 0.1", {"rate": 0.1}, True),
        ("rate = amount", {"rate": 0.1, "amount": Decimal("0.10")}, True),
        ("rate IN (0.1, 0.2)", {"rate": 0.2}, True),
        ("rate >= 1", {"rate": 1.0}, True),
        ("amount IN (5, 6.5)", {"amount": Decimal("5.00")}, True),
        ("CASE WHEN n = 1 THEN 0.1 ELSE 0.2 END = rate", {"n": 1, "rate": 0.1}, True),
        ("s = 'A'", {"s": "A"}, True),
        ("s = 'A'", {"s": "a"}, False),
        ("s = 'A'", {"s": "A "}, False),
        ("s < 'b'", {"s": "a"}, True),
        ("s = 'It''s'", {"s": "It's"}, True),
        ("s = ''", {"s": ""}, True),
        ("s = t", {"s": "x", "t": "x"}, True),
        ("flag = TRUE", {"flag": True}, True),
        ("flag = 1", {"flag": True}, True),
        ("flag = 0", {"flag": True}, False),
        ("0 = flag", {"flag": False}, True),
        ("flag <> other", {"flag": True, "other": False}, True),
        ("flag IN (0, TRUE)", {"flag": False}, True),
        ("CASE WHEN n = 1 THEN 1 ELSE 0 END = flag", {"n": 1, "flag": True}, True),
        ("1 = TRUE", {}, True),
        ("day = '2026-01-31'", {"day": date(2026, 1, 31)}, True),
        ("'2026-01-31' >= day", {"day": date(2026, 1, 31)}, True),
        ("day < DATE '2026-02-01'", {"day": date(2026, 1, 31)}, True),
        ("day IN ('2026-01-31', DATE '2026-02-01')", {"day": date(2026, 1, 31)}, True),
        ("day < moment", {"day": date(2026, 1, 31), "moment": datetime(2026, 1, 31, 0, 0, 1)}, True),
        ("day = moment", {"day": date(2026, 1, 31), "moment": datetime(2026, 1, 31)}, True),
        ("moment = day", {"day": date(2026, 1, 31), "moment": datetime(2026, 1, 31, 1)}, False),
        ("moment >= '2026-01-31'", {"moment": datetime(2026, 1, 31)}, True),
        ("moment = '2026-01-31T10:30:00.5'", {"moment": datetime(2026, 1, 31, 10, 30, 0, 500_000)}, True),
        ("moment IN (day, DATE '2026-01-30')", {"moment": datetime(2026, 1, 30), "day": date(2026, 1, 1)}, True),
        ("zoned = '2026-01-31T10:00:00Z'", {"zoned": datetime(2026, 1, 31, 15, tzinfo=EAST)}, True),
        ("zoned < zoned", {"zoned": datetime(1, 1, 1, tzinfo=EAST)}, False),
        ("zoned > '0001-01-01T00:00:00+14:00'", {"zoned": datetime(1, 1, 1, tzinfo=EAST)}, True),
        ("zoned < '9999-12-31T23:59:59-14:00'", {"zoned": datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)}, True),
        ("zoned IN ('0001-01-01T00:00:00+05:00')", {"zoned": datetime(1, 1, 1, tzinfo=EAST)}, True),
        ("id = '6F9619FF-8B86-D011-B42D-00C04FC964FF'", {"id": ID}, True),
        ("id <> id", {"id": ID}, False),
    ],
)
def test_values_of_one_family_compare_by_what_they_mean(condition: str, values: dict[str, object], truth: bool) -> None:
    assert holds(condition, **values) is truth


@pytest.mark.parametrize(
    ("condition", "values", "truth"),
    [
        ("s IN ('A', 'B')", {"s": "B"}, True),
        ("s IN ('A', 'B')", {"s": "C"}, False),
        ("s IN ('A', 'B')", {}, False),
        ("s NOT IN ('A', 'B')", {"s": "C"}, True),
        ("s NOT IN ('A', 'B')", {}, False),
        ("NOT s IN ('A', 'B')", {}, True),
        ("s IN ('A', NULL)", {"s": "A"}, True),
        ("s IN ('A', NULL)", {}, False),
        ("s NOT IN ('A', NULL)", {"s": "C"}, False),
        ("n IN (m, 7)", {"n": 7}, True),
        ("n IN (m, 7)", {"n": 8, "m": 8}, True),
        ("n NOT IN (m, 7)", {"n": 8}, False),
        ("n NOT IN (m, 7)", {"n": 8, "m": 9}, True),
        ("n NOT IN (m, NULL)", {"n": 8, "m": 9}, False),
        ("5 IN (n, m)", {"m": 5}, True),
        ("NULL IN (NULL)", {}, False),
    ],
)
def test_in_is_a_row_of_equalities_and_not_in_of_inequalities(
    condition: str, values: dict[str, object], truth: bool
) -> None:
    assert holds(condition, **values) is truth


@pytest.mark.parametrize(
    ("value", "empty", "null"), [(None, True, True), ("", True, False), (" ", False, False), ("A", False, False)]
)
def test_is_empty_takes_null_and_empty_text_and_is_null_takes_null(value: str | None, empty: bool, null: bool) -> None:
    assert holds("s IS EMPTY", s=value) is empty
    assert holds("s IS NOT EMPTY", s=value) is not empty
    assert holds("s IS NULL", s=value) is null
    assert holds("s IS NOT NULL", s=value) is not null
    assert holds("app.status IS EMPTY", {"status": value}) is empty


def test_is_empty_of_other_types_is_is_null() -> None:
    for condition in ("n IS EMPTY", "flag IS EMPTY", "rate IS NULL", "app.opened IS EMPTY"):
        assert holds(condition)
    assert not holds("n IS EMPTY", n=0)
    assert holds("flag IS NOT EMPTY", flag=False)
    assert holds("NULL IS NULL AND NULL IS EMPTY")


@pytest.mark.parametrize(
    ("condition", "true_for"),
    [
        # n = 1, n = 2 and flag = 1 as a, b and c; the sets name which of them hold
        ("n = 1 OR m = 1 AND flag = 1", {"a", "ab", "ac", "abc", "bc"}),
        ("(n = 1 OR m = 1) AND flag = 1", {"ac", "bc", "abc"}),
        ("NOT n = 1 AND m = 1", {"b", "bc"}),
        ("NOT (n = 1 AND m = 1)", {"", "a", "b", "c", "ac", "bc"}),
        ("NOT n = 1 OR m = 1", {"", "b", "c", "ab", "bc", "abc"}),
        ("NOT NOT n = 1", {"a", "ab", "ac", "abc"}),
        ("n = 1 AND m = 1 AND flag = 1", {"abc"}),
        ("n = 1 OR m = 1 OR flag = 1", {"a", "b", "c", "ab", "ac", "bc", "abc"}),
        ("NOT (n = 1) AND NOT ((m = 1)) OR flag = 1", {"", "c", "ac", "bc", "abc"}),
    ],
)
def test_not_binds_more_than_and_and_that_more_than_or(condition: str, true_for: set[str]) -> None:
    for number in range(8):
        letters = "".join(letter for bit, letter in enumerate("abc") if number & 1 << bit)
        found = holds(condition, n=int("a" in letters), m=int("b" in letters), flag="c" in letters)
        assert found is (letters in true_for), letters


def test_the_first_condition_that_holds_decides_and_without_else_the_rest_is_null() -> None:
    text = "CASE WHEN n > 10 THEN 'high' WHEN n > 5 THEN 'middle' {} END"
    assert [evaluated(text.format("ELSE 'low'"), "text", n=n) for n in (11, 6, 5, None)] == [
        "high", "middle", "low", "low"
    ]  # fmt: skip
    assert evaluated(text.format(""), "text", n=1) is None


def test_cases_nest_as_values_and_within_conditions() -> None:
    text = """CASE WHEN CASE WHEN s = 'A' THEN n ELSE m END > 5
                   THEN CASE WHEN flag = 1 THEN 'one' ELSE app.status END
                   ELSE (CASE WHEN n IS NULL THEN NULL ELSE 'small' END) END"""
    assert evaluated(text, "string(5)", s="A", n=6, flag=True) == "one"
    assert evaluated(text, "string(5)", {"status": "open"}, s="B", m=6) == "open"
    assert evaluated(text, "string(5)", s="B", n=1, m=5) == "small"
    assert evaluated(text, "string(5)") is None


def test_keywords_and_names_have_no_case_and_words_of_a_place_may_be_names() -> None:
    assert evaluated("case When N = 1 tHEN App.STATUS eLSE 'x' end", "text", {"status": "ok"}, n=1) == "ok"
    assert holds("day iS nOt EMPTY and DAY = date '2026-01-31'", day=date(2026, 1, 31))
    assert evaluated("dateadd(DAY, 1, day)", "date", day=date(2026, 1, 31)) == date(2026, 2, 1)


def test_the_names_of_a_formula_are_told_in_order_with_their_places() -> None:
    expression = parse_formula("CASE WHEN A.b IN (c, 1)\n  AND d LIKE '%' THEN DATEADD(day, e, f) ELSE c END")
    assert [(name.table, name.column, name.line, name.position) for name in expression.names] == [
        ("A", "b", 1, 11), (None, "c", 1, 19), (None, "d", 2, 7), (None, "e", 2, 36), (None, "f", 2, 39),
        (None, "c", 2, 47),
    ]  # fmt: skip


def test_a_formula_as_deep_as_allowed_needs_little_of_pythons_stack() -> None:
    deep = "n"
    for _ in range(MAX_DEPTH - 4):
        deep = f"CASE WHEN NOT n = 1 THEN {deep} ELSE CASE WHEN n = 1 THEN n END END"
    limit = sys.getrecursionlimit()
    parse_formula("n")  # the grammar, made once, may take more
    sys.setrecursionlimit(_stack_depth() + 300)
    try:
        assert evaluated(deep, "int", n=5) == 5
    finally:
        sys.setrecursionlimit(limit)


def _stack_depth() -> int:
    frame, depth = sys._getframe(), 0
    while frame.f_back is not None:
        frame, depth = frame.f_back, depth + 1
    return depth


def test_many_terms_side_by_side_are_no_depth() -> None:
    condition = " OR ".join(f"n = {number}" for number in range(2000))
    assert holds(condition, n=1999)
    assert not holds(condition, n=2000)
    assert evaluated("(" * 5000 + "n" + ")" * 5000, "int", n=3) == 3


def test_a_compiled_formula_keeps_nothing_between_rows() -> None:
    evaluate = compiled("CASE WHEN n = 1 THEN s END", "text")
    row = [None] * 13
    assert [evaluate(((number, *row[1:4], "A", *row[5:]), None)) for number in (1, 2, 1)] == ["A", None, "A"]


def test_a_resolver_may_refuse_a_name_with_an_error_of_its_own() -> None:
    def refusing(table: str | None, column: str) -> None:
        raise FormulaError(f"{table}.{column} is a row of items", 1, 1, column)

    with pytest.raises(FormulaError, match="is a row of items"):
        compile_formula(parse_formula("a.b"), refusing, parse_type("int"))
    assert resolve("APP", "N") is not None
