from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter

from include.pipelines.xml.language.column_types import parse_type
from include.pipelines.xml.language.places import Place
from include.pipelines.xml.language.rules.steps import step_mistakes
from include.pipelines.xml.language.steps import Step

STEPS: TypeAdapter[list[Step]] = TypeAdapter(list[Step])
ENUMERATIONS: dict[str, dict[str, Any]] = {
    "STATES": {"CA": "California", "NY": "New York"},
    "FLAGS": {"Y": True, "N": False},
    "RATES": {"A": Decimal("1.25"), "B": Decimal("2.5")},
}
KEEP = {"lookup": {"x": "2024-01-01"}, "otherwise": "keep"}


def found(type_: str, steps: list[Any]) -> list[tuple[Place, str]]:
    return list(step_mistakes(parse_type(type_), STEPS.validate_python(steps), ENUMERATIONS))


@pytest.mark.parametrize(
    ("type_", "steps"),
    [
        ("string(10)", ["trim", "collapse", "upper", "lower", "digits", "first_number"]),
        ("string(10)", ["date"]),
        ("text", ["date"]),
        ("date", ["date", "trim"]),
        ("datetime", [{"date": ["%d.%m.%Y"]}]),
        ("int", ["date", "digits"]),
        ("int", ["date", {"lookup": {"2024-01-01": 1}}]),
        ("date", ["digits", {"date": ["%Y%m%d"]}]),
        ("decimal(12,2)", ["first_number"]),
        ("float", ["first_number"]),
        ("bit", ["digits"]),
        ("bit", [{"lookup": "FLAGS", "otherwise": {"value": False}}]),
        ("bit", ["first_number", {"constant": True}]),
        ("uuid", [{"lookup": {"a": "6f9619ff-8b86-d011-b42d-00c04fc964ff"}}]),
        ("string(10)", [{"lookup": "STATES", "ignore_case": True}, "upper"]),
        ("int", [{"lookup": {"a": "1", "A": "1"}, "ignore_case": True}]),
        ("date", ["date", KEEP]),
        ("decimal(3,2)", [{"lookup": "RATES"}]),
        ("int", []),
    ],
    ids=str,
)
def test_steps_that_can_give_a_value_of_the_type_are_right(type_: str, steps: list[Any]) -> None:
    assert found(type_, steps) == []


@pytest.mark.parametrize(
    ("type_", "steps", "place", "message"),
    [
        (
            "string(9)",
            ["trim", {"lookup": "STATE"}],
            (1, "lookup"),
            "there is no enumeration STATE; did you mean STATES?",
        ),
        ("int", [{"lookup": "ZZZ"}], (0, "lookup"), "there is no enumeration ZZZ; there are STATES, FLAGS, RATES"),
        (
            "bit",
            [{"lookup": "STATES"}],
            (0, "lookup"),
            'the value of "CA" (and 1 more) in enumeration STATES does not fit bit: write true or false',
        ),
        (
            "string(8)",
            [{"lookup": "STATES"}],
            (0, "lookup"),
            'the value of "CA" in enumeration STATES does not fit string(8): takes 8 UTF-16 units, got 10',
        ),
        (
            "decimal(3,1)",
            [{"lookup": "RATES"}],
            (0, "lookup"),
            'the value of "A" in enumeration RATES does not fit decimal(3,1): takes 1 digits after the point',
        ),
        (
            "int",
            [{"lookup": {"a": 1, "b": "x"}}],
            (0, "lookup", "b"),
            "the value does not fit int: is no whole number",
        ),
        (
            "int",
            [{"lookup": {"a": 1}}, "digits"],
            (0, "lookup", "a"),
            "the value does not fit int: another step follows, so it must be text, in quotes",
        ),
        (
            "bit",
            [{"lookup": "FLAGS"}, {"constant": True}],
            (0, "lookup"),
            'the value of "Y" (and 1 more) in enumeration FLAGS does not fit bit: another step follows',
        ),
        ("int", [{"constant": 1}, "digits"], (0, "constant"), "the value does not fit int: another step follows"),
        ("tinyint", [{"constant": 256}], (0, "constant"), "the value does not fit tinyint: takes 0 to 255"),
        ("date", [{"constant": "1.1.2024"}], (0, "constant"), "the value does not fit date: is no date (YYYY-MM-DD)"),
        (
            "bit",
            [{"lookup": "FLAGS", "otherwise": {"value": "no"}}],
            (0, "otherwise", "value"),
            "the value does not fit bit: write true or false",
        ),
        (
            "string(9)",
            [{"lookup": {"a": "1", "A": "2"}, "ignore_case": True}],
            (0, "lookup"),
            '"a" and "A" are one without case, with two values: drop one, or ignore_case',
        ),
        (
            "int",
            ["trim", "date", "upper"],
            (1,),
            "gives a date, YYYY-MM-DD, which int does not take; such columns are string, text, date, datetime",
        ),
        (
            "datetimeoffset",
            [{"date": ["%d.%m.%Y"]}],
            (0,),
            "gives a date, YYYY-MM-DD, which datetimeoffset does not take",
        ),
        ("date", ["digits"], (0,), "gives a number, which date does not take; such columns are string, text, tinyint"),
        ("uuid", ["first_number"], (0,), "gives a number, which uuid does not take"),
        ("int", ["date", {**KEEP, "lookup": {"x": 1}}], (0,), "gives a date, YYYY-MM-DD, which int does not take"),
        ("string(9)", ["date"], (0,), "gives a date of 10 characters: make the column string(10) or date"),
    ],
)
def test_steps_that_cannot_are_refused_at_their_place(type_: str, steps: list[Any], place: Place, message: str) -> None:
    [(where, said)] = found(type_, steps)
    assert where == place
    assert said.startswith(message)
