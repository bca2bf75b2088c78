from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import jsonschema
import pytest
from pydantic import TypeAdapter, ValidationError

from include.pipelines.xml.language.steps import STEP_NAMES, ConstantStep, DateStep, Fallback, LookupStep, Step

STEPS: TypeAdapter[list[Step]] = TypeAdapter(list[Step])
SCHEMA = STEPS.json_schema()

GOOD: list[Any] = [
    *STEP_NAMES,
    {"date": ["%d.%m.%Y", "%b %d, %Y"]},
    {"lookup": "STATES"},
    {"lookup": "STATES", "otherwise": "reject"},
    {"lookup": "STATES", "otherwise": "null", "ignore_case": True},
    {"lookup": {"Y": True, "N": False}, "otherwise": "keep"},
    {"lookup": {"1": 1, "2": Decimal("2.5"), "": "none"}, "otherwise": {"value": 0}},
    {"constant": "x"},
    {"constant": 0},
    {"constant": False},
]


def mistakes(step: object) -> list[tuple[tuple[int | str, ...], str]]:
    with pytest.raises(ValidationError) as raised:
        STEPS.validate_python(["trim", step])
    return [(fault["loc"], fault["msg"]) for fault in raised.value.errors()]


def test_a_step_is_read_into_its_model() -> None:
    assert STEPS.validate_python(
        [
            "trim",
            {"date": ["%d.%m.%Y"]},
            {"lookup": {"Y": True}, "otherwise": {"value": False}, "ignore_case": True},
            {"constant": 1},
        ]
    ) == [
        "trim",
        DateStep(date=["%d.%m.%Y"]),
        LookupStep(lookup={"Y": True}, otherwise=Fallback(value=False), ignore_case=True),
        ConstantStep(constant=1),
    ]


@pytest.mark.parametrize("step", GOOD, ids=str)
def test_a_step_comes_back_from_its_json(step: object) -> None:
    read = STEPS.validate_python([step])
    assert STEPS.validate_python(STEPS.dump_python(read)) == read
    assert STEPS.validate_python(read) == read
    jsonschema.validate(json.loads(STEPS.dump_json(read)), SCHEMA)


@pytest.mark.parametrize(
    ("step", "place", "message"),
    [
        ("trimm", (), "no such step; did you mean trim?"),
        ("Digits", (), "no such step; did you mean digits?"),
        ("money", (), 'no such step; there are trim, collapse, upper, lower, digits, first_number, date, {"date"'),
        ("lookup", (), 'write {"lookup": "NAME"}'),
        ("constant", (), 'write {"constant": "…"}'),
        ({"trim": True}, (), 'trim has no settings: write "trim"'),
        ({"lokup": "STATES"}, (), "no such step; did you mean lookup?"),
        ({"money": 1}, (), "no such step; there are trim"),
        ({}, (), "no such step; there are trim"),
        (5, (), 'a step is text, as "trim", or an object, as {"lookup": "NAME"}'),
        (None, (), "a step is text"),
        (["trim"], (), "a step is text"),
        ({"lookup": "A", "constant": 1}, (), "lookup and constant are steps of their own: write an object for each"),
        ({"lookup": 3}, ("lookup",), "names an enumeration, or is a table with entries"),
        ({"lookup": {}}, ("lookup",), "names an enumeration, or is a table with entries"),
        ({"lookup": {"Y": True, "N": None}}, ("lookup", "N"), "write text, a number, true or false"),
        ({"lookup": "A", "otherwize": "null"}, ("otherwize",), "no such setting of this step; did you mean otherwise?"),
        ({"lookup": "A", "zzz": 1}, ("zzz",), "no such setting of this step; there are lookup, otherwise, ignore_case"),
        ({"lookup": "A", "otherwise": None}, ("otherwise",), 'must be "reject", "null" (no value), "keep"'),
        ({"lookup": "A", "otherwise": "skip"}, ("otherwise",), 'must be "reject"'),
        ({"lookup": "A", "otherwise": {"value": None}}, ("otherwise",), 'must be "reject"'),
        ({"lookup": "A", "otherwise": {"valu": 1}}, ("otherwise",), 'must be "reject"'),
        ({"lookup": "A", "ignore_case": "yes"}, ("ignore_case",), "must be true or false"),
        ({"date": "%d.%m.%Y"}, ("date",), 'must be a list of forms, as in ["%d.%m.%Y"]'),
        ({"date": []}, ("date",), "must be a list of forms"),
        ({"date": ["%d.%m.%Y", "%d.%m"]}, ("date", 1), "%d.%m: give the year once, as %Y or %y"),
        ({"date": [4]}, ("date", 0), 'must be text, as in "%d.%m.%Y"'),
        ({"date": ["%Y-%m-%d"], "otherwise": "null"}, ("otherwise",), "no such setting of this step; there are date"),
        ({"constant": None}, ("constant",), "write text, a number, true or false"),
        ({"constant": [1]}, ("constant",), "write text, a number, true or false"),
    ],
)
def test_a_wrong_step_gives_one_message_at_its_place_that_names_the_fix(
    step: object, place: tuple[int | str, ...], message: str
) -> None:
    [(found, said)] = mistakes(step)
    assert found == (1, *place)
    assert said.startswith(message)
    assert "Input should" not in said


def test_two_mistakes_in_one_step_are_two_messages() -> None:
    found = mistakes({"lookup": {"Y": None}, "otherwise": 1, "more": 2})
    assert [place for place, _ in found] == [(1, "lookup", "Y"), (1, "otherwise"), (1, "more")]


@pytest.mark.parametrize(
    "step",
    [
        "trimm",
        {"trim": True},
        {"lookup": {}},
        {"lookup": {"Y": None}},
        {"lookup": "A", "otherwise": "skip"},
        {"lookup": "A", "otherwise": {"value": None}},
        {"lookup": "A", "more": 1},
        {"date": []},
        {"date": ["%H"]},
        {"constant": None},
        {"constant": 1, "lookup": "A"},
        5,
    ],
    ids=str,
)
def test_the_schema_refuses_what_the_model_refuses(step: object) -> None:
    mistakes(step)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate([step], SCHEMA)


def test_the_schema_explains_every_setting_to_an_editor() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert set(SCHEMA["$defs"]) == {"DateStep", "LookupStep", "Fallback", "ConstantStep"}
    for model in SCHEMA["$defs"].values():
        assert model["description"]
        assert all(setting["description"] for setting in model["properties"].values())
