"""Random formulas of sound types agree with a plain evaluator that shares no code with the one tested.

Each formula is drawn as nested tuples, written out as text for the one, and walked by the other.
"""

from __future__ import annotations

import calendar
import operator
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.include.pipelines.xml.formula.formula_rows import APP, OWN, compiled

Drawn = tuple[Any, ...]

OPERATORS = {
    "=": operator.eq, "<>": operator.ne, "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge,
}  # fmt: skip
FIELDS = {
    "number": ["n", "m", "amount", "app.n"], "text": ["s", "T", "app.status"], "bit": ["flag", "other"],
    "date": ["day", "due", "App.Opened"],
}  # fmt: skip
RESULTS = {"number": "decimal(38,10)", "text": "text", "bit": "bit", "date": "date"}
DAYS = [date(2026, 1, 31), date(2024, 2, 29), date(2024, 1, 31), date(2023, 12, 31)]
LITERALS = {
    "number": st.sampled_from([0, 1, 2, -3, Decimal("1.5"), Decimal("2.00")]),
    "text": st.sampled_from(["", "a", "ab", "b'", "%", "_"]),
    "bit": st.booleans(),
    "date": st.sampled_from(DAYS),
}


@cache
def values(family: str, depth: int) -> st.SearchStrategy[Drawn]:
    plain = st.one_of(
        st.sampled_from(FIELDS[family]).map(lambda name: ("name", name)),
        LITERALS[family].map(lambda value: ("literal", value)),
        st.just(("literal", None)),
    )
    if depth == 0:
        return plain
    inner = values(family, depth - 1)
    whens = st.lists(st.tuples(conditions(depth - 1), inner), min_size=1, max_size=3).map(tuple)
    cases = st.tuples(st.just("case"), whens, st.none() | inner)
    if family != "date":
        return plain | cases
    units = st.sampled_from(["day", "month", "year"])
    numbers = st.sampled_from([("literal", 1), ("literal", -13), ("name", "n"), ("name", "app.n")])
    return (
        plain | cases | st.tuples(st.just("add"), units, numbers, st.sampled_from([("name", "day"), ("name", "due")]))
    )


@cache
def conditions(depth: int) -> st.SearchStrategy[Drawn]:
    of_family = st.sampled_from(sorted(FIELDS)).flatmap(lambda family: terms(family, depth))
    patterns = st.text("ab%_", max_size=3)
    likes = st.tuples(st.just("like"), values("text", 0), patterns, st.booleans())
    if depth == 0:
        return of_family | likes
    inner = conditions(depth - 1)
    joined = st.tuples(st.sampled_from(["AND", "OR"]), st.lists(inner, min_size=2, max_size=3).map(tuple))
    return st.one_of(of_family, likes, joined, st.tuples(st.just("NOT"), inner))


@cache
def terms(family: str, depth: int) -> st.SearchStrategy[Drawn]:
    value = values(family, depth and depth - 1)
    choices = st.lists(value, min_size=1, max_size=3).map(tuple)
    return st.one_of(
        st.tuples(st.just("compare"), st.sampled_from(sorted(OPERATORS)), value, value),
        st.tuples(st.just("in"), value, choices, st.booleans()),
        st.tuples(st.sampled_from(["EMPTY", "NULL"]), value, st.booleans()),
    )


def written(drawn: Drawn) -> str:
    match drawn:
        case ("name", name):
            text = str(name)
        case ("literal", value):
            text = literal(value)
        case ("case", whens, otherwise):
            parts = [f"WHEN {written(condition)} THEN {written(value)}" for condition, value in whens]
            text = " ".join(["CASE", *parts, "" if otherwise is None else f"ELSE {written(otherwise)}", "\nEND"])
        case ("add", unit, number, moment):
            text = f"DateAdd({unit}, {written(number)}, {written(moment)})"
        case _:
            text = written_condition(drawn)
    return text


def written_condition(drawn: Drawn) -> str:
    match drawn:
        case ("compare", sign, left, right):
            text = f"{written(left)} {sign} {written(right)}"
        case ("in", value, choices, negated):
            text = f"{written(value)} {'not ' * negated}in ({', '.join(map(written, choices))})"
        case ("like", value, pattern, negated):
            text = f"{written(value)} {'NOT ' * negated}LIKE '{pattern}'"
        case ("EMPTY" | "NULL" as what, value, negated):
            text = f"{written(value)} IS {'NOT ' * negated}{what}"
        case ("NOT", inner):
            text = f"NOT {enclosed(inner, ('AND', 'OR'))}"
        case ("AND", parts):
            text = " AND ".join(enclosed(part, ("OR",)) for part in parts)
        case (_, parts):
            text = " OR ".join(map(written_condition, parts))
    return text


def enclosed(drawn: Drawn, words: tuple[str, ...]) -> str:
    """In parentheses only where the precedence asks for them."""
    text = written_condition(drawn)
    return f"({text})" if drawn[0] in words else text


def literal(value: object) -> str:
    match value:
        case None | bool():
            return {None: "NULL", True: "TRUE", False: "FALSE"}[value]
        case str():
            return "'" + value.replace("'", "''") + "'"
        case date():
            return f"DATE '{value}'"
    return str(value)


def value_of(drawn: Drawn, row: dict[str, Any]) -> Any:
    match drawn:
        case ("name", name):
            return row[name.lower()]
        case ("literal", value):
            return value
        case ("case", whens, otherwise):
            for condition, value in whens:
                if truth(condition, row):
                    return value_of(value, row)
            return None if otherwise is None else value_of(otherwise, row)
        case ("add", unit, number, moment):
            return moved(unit, value_of(number, row), value_of(moment, row))
    raise AssertionError(drawn)


def moved(unit: str, number: int | None, day: date | None) -> date | None:
    if number is None or day is None:
        return None
    if unit == "day":
        return day + timedelta(days=number)
    step = 1 if number > 0 else -1
    year, month = day.year, day.month
    for _ in range(abs(number) * (12 if unit == "year" else 1)):
        month += step
        if month in (0, 13):
            year, month = year + step, 12 if month == 0 else 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def truth(drawn: Drawn, row: dict[str, Any]) -> bool:
    match drawn:
        case ("compare", sign, left, right):
            one, other = value_of(left, row), value_of(right, row)
            return None not in (one, other) and bool(OPERATORS[sign](one, other))
        case ("in", value, choices, negated):
            parts = [("compare", "<>" if negated else "=", value, choice) for choice in choices]
            return (all if negated else any)(truth(part, row) for part in parts)
        case ("EMPTY" | "NULL" as what, value, negated):
            found = value_of(value, row)
            return (found is None or (what == "EMPTY" and found == "")) is not negated
        case ("like", value, pattern, negated):
            found = value_of(value, row)
            return found is not None and alike(found, pattern) is not negated
        case ("NOT", condition):
            return not truth(condition, row)
        case (word, joined):
            return (all if word == "AND" else any)([truth(part, row) for part in joined])
    raise AssertionError(drawn)


def alike(text: str, pattern: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(alike(text[start:], pattern[1:]) for start in range(len(text) + 1))
    return bool(text) and pattern[0] in ("_", text[0]) and alike(text[1:], pattern[1:])


SEEDS = st.integers(0, 10**9).map(Random)
SAMPLES = {
    "n": range(-3, 4), "m": range(-3, 4), "amount": [Decimal("1.50"), Decimal("2.00")], "app.n": range(-3, 4),
    "s": ["", "a", "ab", "ba", "b_a"], "t": ["", "a", "ab", "b'"], "app.status": ["", "a", "bb"],
    "flag": [True, False], "other": [True, False],
    "day": DAYS, "due": DAYS, "app.opened": DAYS,
}  # fmt: skip


def random_row(random: Random) -> dict[str, Any]:
    row = {name: random.choice([None, *values, *values]) for name, values in SAMPLES.items()}
    return row | dict.fromkeys(("app.n", "app.status", "app.opened")) if random.random() < 0.2 else row


def check(drawn: Drawn, result: str, random: Random) -> None:
    evaluate = compiled(written(drawn), result)
    for _ in range(20):
        row = random_row(random)
        other = tuple(row[f"app.{name}"] for name in APP)
        frames = (tuple(row.get(name) for name in OWN), None if other == (None, None, None) else other)
        assert evaluate(frames) == value_of(drawn, row)


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(sorted(FIELDS)), st.data(), SEEDS)
def test_a_value_is_what_a_plain_evaluator_gives(family: str, data: st.DataObject, random: Random) -> None:
    check(data.draw(values(family, 2)), RESULTS[family], random)


@settings(max_examples=200, deadline=None)
@given(conditions(2), SEEDS)
def test_a_condition_holds_where_a_plain_evaluator_says_so(condition: Drawn, random: Random) -> None:
    check(("case", ((condition, ("literal", True)),), ("literal", False)), "bit", random)
