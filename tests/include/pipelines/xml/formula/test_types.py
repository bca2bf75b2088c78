from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.pipelines.xml.formula.language import FormulaError
from include.pipelines.xml.language.column_types import parse_type
from include.pipelines.xml.mapping.conversions import Unfit
from tests.include.pipelines.xml.formula.formula_rows import compiled, evaluated


@pytest.mark.parametrize(
    ("condition", "column", "token", "fix"),
    [
        ("n = '5'", 5, "'5'", "this is a text, and n beside it is a number: write the number without quotes"),
        ("'5' = n", 1, "'5'", "write the number without quotes"),
        ("s = 5", 5, "5", "this is a number, and s beside it is a text: write it in quotes"),
        ("s = n", 5, "n", "this is a number, and s beside it is a text: give both the same type"),
        ("s = TRUE", 5, "TRUE", "write it in quotes"),
        ("s = DATE '2026-01-31'", 5, "DATE '2026-01-31'", "write it in quotes"),
        ("flag = 2", 8, "2", "a bit is TRUE, FALSE, 1 or 0"),
        ("flag = 'Y'", 8, "'Y'", "a bit is TRUE, FALSE, 1 or 0"),
        ("flag = n", 8, "n", "give both the same type"),
        ("n = TRUE", 5, "TRUE", "write 1 or 0"),
        ("1 = 'a'", 5, "'a'", "write the number without quotes"),
        ("n IN (1, '2', 3)", 10, "'2'", "write the number without quotes"),
        ("s NOT IN ('a', NULL, 3)", 22, "3", "write it in quotes"),
        ("day = 20260131", 7, "20260131", "write DATE 'YYYY-MM-DD'"),
        ("day = '31.01.2026'", 7, "'31.01.2026'", "this is no date (YYYY-MM-DD)"),
        ("day IN ('2026-01-31', '2026-02-30')", 23, "'2026-02-30'", "this is no date"),
        ("moment > 'yesterday'", 10, "'yesterday'", "this is no date and time (YYYY-MM-DDThh:mm:ss"),
        ("moment > 5", 10, "5", "write a text of the form 'YYYY-MM-DDThh:mm:ss'"),
        ("zoned > '2026-01-31T10:00:00'", 9, "'2026-01-31T10:00:00'", "with an offset"),
        ("zoned = moment", 9, "moment", "only one of them has a UTC offset, so give both the same type"),
        ("moment = zoned", 10, "zoned", "only one of them has a UTC offset"),
        ("day = zoned", 7, "zoned", "only one of them has a UTC offset"),
        ("zoned = DATE '2026-01-31'", 9, "DATE '2026-01-31'", "only one of them has a UTC offset"),
        ("id = 5", 6, "5", "write a text of the form '00000000-0000"),
        ("id = '5'", 6, "'5'", "this is no UUID"),
        ("id < id", 4, "<", "compare them with = or <>"),
        ("n LIKE '1%'", 1, "n", "this is a number, and LIKE is for texts"),
        ("5 LIKE '1%'", 1, "5", "LIKE is for texts: write it in quotes"),
        ("day LIKE '2026%'", 1, "day", "this is a date, and LIKE is for texts"),
        ("CASE WHEN n = 1 THEN 'a' ELSE 2 END = s", 31, "2", "write it in quotes"),
        ("CASE WHEN n = 1 THEN s END = n", 30, "n", "s beside it is a text"),
        ("CASE WHEN n = 1 THEN s ELSE n END IS NULL", 29, "n", "s beside it is a text"),
        ("DATEADD(day, 1, day) = 5", 24, "5", "day beside it is a date: write DATE"),
        ("DATEADD(day, 1, day) = zoned", 24, "zoned", "only one of them has a UTC offset"),
        ("DATEADD(day, 1, n) < day", 17, "n", "this is a number"),
        ("DATEADD(day, 1, s) < day", 17, "s", "this is a text"),
        ("DATEADD(day, '1', day) < due", 14, "'1'", "DATEADD adds a whole number: write the number without quotes"),
        ("DATEADD(day, 1.5, day) < due", 14, "1.5", "this is no whole number"),
        ("DATEADD(day, flag, day) < due", 14, "flag", "this is a bit, and DATEADD adds a whole number"),
        ("DATEADD(day, 1, 'soon') < day", 17, "'soon'", "DATEADD adds to a date, written as YYYY-MM-DD"),
        ("DATEADD(hour, 1, zoned) < moment", 27, "moment", "only one of them has a UTC offset"),
        ("nn = 1", 1, "nn", "there is no such column or field"),
        ("app.nn = 1", 1, "app.nn", "there is no such column or field"),
        ("n = 1 AND app.n IN (2, applicant.n)", 24, "applicant.n", "there is no such column or field"),
    ],
)
def test_a_condition_of_wrong_types_is_told_at_the_token_with_the_fix(
    condition: str, column: int, token: str, fix: str
) -> None:
    with pytest.raises(FormulaError) as raised:
        compiled(f"CASE WHEN\n{condition} THEN 1 END", "int")
    assert (raised.value.line, raised.value.column, raised.value.token) == (2, column, token)
    assert fix in raised.value.message


@pytest.mark.parametrize(
    ("text", "result", "column", "token", "fix"),
    [
        ("'5'", "int", 1, "'5'", "this is a text, and the column takes a number: write the number without quotes"),
        ("5", "string(5)", 1, "5", "the column takes a text: write it in quotes"),
        ("2", "bit", 1, "2", "a bit is TRUE, FALSE, 1 or 0"),
        ("TRUE", "int", 1, "TRUE", "write 1 or 0"),
        ("n", "bit", 1, "n", "this is a number, and the column takes a bit"),
        ("flag", "int", 1, "flag", "this is a bit, and the column takes a number"),
        ("moment", "date", 1, "moment", "this is a datetime, and the column takes a date"),
        ("moment", "datetimeoffset", 1, "moment", "only one of them has a UTC offset"),
        ("day", "text", 1, "day", "this is a date, and the column takes a text"),
        ("CASE WHEN n = 1 THEN 1 ELSE 'x' END", "int", 29, "'x'", "write the number without quotes"),
        ("CASE WHEN n = 1 THEN 1 WHEN n = 2 THEN s END", "int", 40, "s", "this is a text"),
        ("1.5", "int", 1, "1.5", "this is no whole number"),
        ("300", "tinyint", 1, "300", "takes 0 to 255"),
        ("CASE WHEN n = 1 THEN 99999999999 END", "int", 22, "99999999999", "takes -2147483648 to 2147483647"),
        ("1.555", "decimal(5,2)", 1, "1.555", "takes 2 digits after the point"),
        ("1000", "decimal(5,2)", 1, "1000", "3 digits before the point"),
        ("'abc'", "string(2)", 1, "'abc'", "takes 2 UTF-16 units"),
        ("'a\0b'", "text", 1, "'a\0b'", "NUL character"),
        ("'soon'", "date", 1, "'soon'", "this is no date (YYYY-MM-DD)"),
        ("DATEADD(day, 1, day)", "int", 1, "DATEADD", "this is a date, and the column takes a number"),
        ("DATEADD(hour, 1, day)", "date", 1, "DATEADD", "with hours this is a datetime, and the column takes a date"),
        ("DATEADD(day, 1, moment)", "date", 17, "moment", "this is a datetime, and the column takes a date"),
        ("DATEADD(day, 1, 5)", "date", 17, "5", "this is a number, and the column takes a date"),
    ],
)
def test_a_result_that_is_not_of_the_columns_type_is_told_at_the_token_with_the_fix(
    text: str, result: str, column: int, token: str, fix: str
) -> None:
    with pytest.raises(FormulaError) as raised:
        compiled(text, result)
    assert (raised.value.line, raised.value.column, raised.value.token) == (1, column, token)
    assert fix in raised.value.message
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


KINDS = {
    "number": ["n", "m", "amount", "rate", "app.n", "1", "2.5", "NULL", "CASE WHEN flag = 1 THEN n ELSE rate END"],
    "text": ["s", "t", "app.status", "'a'", "''", "NULL", "CASE WHEN n = 1 THEN s END"],
    "bit": ["flag", "other", "TRUE", "1", "0", "NULL", "CASE WHEN n = 1 THEN 1 ELSE other END"],
    "date": [
        "day", "app.opened", "moment", "'2026-01-31'", "DATE '0001-01-01'", "NULL", "DATEADD(month, n, day)",
        "DATEADD(hour, amount, moment)", "DATEADD(year, m, '9999-12-31')", "DATEADD(second, m, day)",
    ],
    "zoned": ["zoned", "'2026-01-31T00:00:00Z'", "DATEADD(day, rate, zoned)", "DATEADD(minute, n, zoned)", "NULL"],
    "uuid": ["id", "NULL", "'6f9619ff-8b86-d011-b42d-00c04fc964ff'"],
}  # fmt: skip
RESULTS = {
    "number": ["int", "bigint", "decimal(12,2)", "float"], "text": ["string(20)", "text"], "bit": ["bit"],
    "date": ["date", "datetime"], "zoned": ["datetimeoffset"], "uuid": ["uuid"],
}  # fmt: skip
ANY = sorted({value for values in KINDS.values() for value in values})
FAMILIES = st.sampled_from(sorted(KINDS))
TESTS = st.sampled_from(["{} = {}", "{} < {}", "{} IN ({}, {})", "{} NOT IN ({}, NULL)", "{} LIKE '_%'", "{} IS EMPTY"])
PYTHON_TYPES = {
    "string": str, "text": str, "int": int, "bigint": int, "decimal": Decimal, "float": float, "bit": bool,
    "date": date, "datetime": datetime, "datetimeoffset": datetime, "uuid": UUID,
}  # fmt: skip
ROWS = {
    "n": st.integers(-(10**30), 10**30),
    "m": st.integers(-5, 5),
    "amount": st.decimals(-(10**40), 10**40, places=2),
    "rate": st.floats(allow_nan=False),
    "s": st.text(max_size=3),
    "flag": st.booleans(),
    "day": st.dates(),
    "moment": st.datetimes(),
    "zoned": st.datetimes(
        timezones=st.sampled_from([UTC, timezone(timedelta(hours=14)), timezone(-timedelta(hours=9))])
    ),
}


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_whatever_the_types_a_formula_is_refused_or_its_rows_are_at_worst_unfit(data: st.DataObject) -> None:
    draw = data.draw
    family, result_family = draw(FAMILIES), draw(FAMILIES)
    one, two, three = (draw(st.sampled_from(KINDS[family])) for _ in range(3))
    condition = draw(TESTS).format(one, draw(st.sampled_from([two, two, two, draw(st.sampled_from(ANY))])), three)
    first, second = (draw(st.sampled_from(KINDS[result_family])) for _ in range(2))
    result = draw(st.sampled_from(RESULTS[result_family]))
    own = {name: draw(st.none() | values) for name, values in ROWS.items()}
    with suppress(FormulaError, Unfit):
        found = evaluated(f"CASE WHEN {condition} THEN {first} ELSE {second} END", result, **own)
        assert found is None or type(found) is PYTHON_TYPES[parse_type(result).kind]
