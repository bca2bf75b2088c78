# ruff: noqa: DTZ001 - columns of type datetime hold naive values
from __future__ import annotations

import time
import timeit
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import pytest
from pydantic import TypeAdapter

from include.pipelines.xml.language.column_types import KINDS, Kind, parse_type
from include.pipelines.xml.language.steps import Step
from include.pipelines.xml.mapping.conversions import Convert, Unfit, converter
from include.pipelines.xml.mapping.value_chain import Tolerated, chain_of

STEPS: TypeAdapter[list[Step]] = TypeAdapter(list[Step])
YES_NO = {"lookup": {"Y": True, "N": False}}
STATES: dict[str, Any] = {"CA": "California", "NY": "New York", "XX": ""}
SIZED = {"string": "string(6)", "decimal": "decimal(12,2)"}


def chain(
    type_: str,
    *steps: Any,
    too_long: Literal["reject", "truncate"] = "reject",
    unparsable: Literal["reject", "null"] = "reject",
) -> Convert:
    made = chain_of(
        parse_type(type_),
        STEPS.validate_python(list(steps)),
        {"STATES": STATES},
        too_long=too_long,
        unparsable=unparsable,
    )
    assert made is not None
    return made


def same(found: object, value: object) -> bool:
    return type(found) is type(value) and found == value


@pytest.mark.parametrize("kind", KINDS)
def test_without_steps_and_tolerance_a_column_has_the_plain_converter_of_its_type(kind: Kind) -> None:
    assert chain_of(parse_type(SIZED.get(kind, kind)), [], {}) is converter(kind)


@pytest.mark.parametrize(
    ("type_", "too_long", "unparsable"),
    [("text", "truncate", "null"), ("string(5)", "reject", "null"), ("int", "truncate", "reject")],
)
def test_what_cannot_happen_to_a_type_costs_nothing(
    type_: str, too_long: Literal["reject", "truncate"], unparsable: Literal["reject", "null"]
) -> None:
    column_type = parse_type(type_)
    assert chain_of(column_type, [], {}, too_long=too_long, unparsable=unparsable) is converter(column_type.kind)


@pytest.mark.parametrize(
    ("type_", "steps", "text", "value"),
    [
        ("string(9)", ["upper"], "ab", "AB"),
        ("string(9)", ["collapse", "lower"], "A \n B", "a b"),
        ("string(9)", ["digits"], "none", None),
        ("string(9)", ["digits", {"constant": "x"}], "none", None),
        ("string(9)", ["digits", {"lookup": {"": "empty"}}], "none", None),
        ("int", ["digits"], "(55) 5", 555),
        ("int", ["digits"], "none", None),
        ("int", ["first_number"], "about 1,200 USD", 1200),
        ("tinyint", ["first_number"], "+7", 7),
        ("decimal(12,2)", ["first_number"], "USD -1,234.50", Decimal("-1234.50")),
        ("float", ["first_number"], "3.5 %", 3.5),
        ("string(9)", ["first_number"], "about 1,200.50 USD", "1200.50"),
        ("date", ["date"], "on 2024-02-29", date(2024, 2, 29)),
        ("datetime", ["date"], "on 2024-02-29", datetime(2024, 2, 29)),
        ("datetime", ["date", "trim"], "on 2024-02-29", datetime(2024, 2, 29)),
        ("datetime", ["trim"], "2024-02-29T12:00:00", datetime(2024, 2, 29, 12)),
        ("datetime", [{"date": ["%d.%m.%Y"]}], "29.2.2024", datetime(2024, 2, 29)),
        ("string(10)", [{"date": ["%b %d, %Y"]}], "Feb 29, 2024", "2024-02-29"),
        ("int", ["date", "digits"], "on 2024-02-29", 20240229),
        ("bit", [YES_NO], "Y", True),
        ("bit", [YES_NO], "N", False),
        ("bit", ["upper", YES_NO], "n", False),
        ("bit", [{**YES_NO, "ignore_case": True}], "n", False),
        ("string(10)", [{"lookup": "STATES"}], "CA", "California"),
        ("string(10)", [{"lookup": "STATES"}], "XX", None),
        ("string(10)", [{"lookup": "STATES"}, "upper"], "NY", "NEW YORK"),
        ("string(10)", [{"lookup": "STATES"}, "upper"], "XX", None),
        ("string(9)", [{"lookup": {"STRASSE": "s"}, "ignore_case": True}], "Straße", "s"),
        ("int", [{"lookup": {"low": "10"}}, "digits"], "low", 10),
        ("int", [{"lookup": {"zero": 0}}], "zero", 0),
        ("decimal(12,2)", [{"lookup": {"a": 1}}], "a", Decimal(1)),
        ("date", [{"lookup": {"start": "2024-01-01"}}], "start", date(2024, 1, 1)),
        ("bit", [{"constant": True}], "whatever", True),
        ("int", [{"constant": 0}], "whatever", 0),
        ("string(9)", [{"constant": ""}], "whatever", None),
        ("string(9)", [{"constant": "ab"}, "upper"], "whatever", "AB"),
    ],
)
def test_steps_work_in_their_order_and_end_in_a_value_of_the_type(
    type_: str, steps: list[Any], text: str, value: object
) -> None:
    assert same(chain(type_, *steps)(text), value)


def keep(**more: Any) -> dict[str, Any]:
    return {"lookup": {"a": "1"}, "otherwise": "keep", **more}


@pytest.mark.parametrize(
    ("type_", "steps", "text", "value"),
    [
        ("string(10)", [{"lookup": "STATES", "otherwise": "null"}], "ZZ", None),
        ("string(10)", [{"lookup": "STATES", "otherwise": "keep"}], "ZZ", "ZZ"),
        ("string(10)", [{"lookup": "STATES", "otherwise": {"value": "none"}}], "ZZ", "none"),
        ("string(10)", [{"lookup": "STATES", "otherwise": {"value": ""}}], "ZZ", None),
        ("string(10)", [{"lookup": "STATES", "otherwise": "keep"}, "lower"], "ZZ", "zz"),
        ("string(10)", [{"lookup": "STATES", "otherwise": {"value": "None"}}, "lower"], "ZZ", "none"),
        ("string(10)", [{"lookup": "STATES", "otherwise": "null"}, {"constant": "x"}], "ZZ", None),
        ("string(10)", [{"lookup": "STATES", "otherwise": "keep"}, "digits"], "ZZ", None),
        ("string(10)", [{"lookup": "STATES", "otherwise": "keep"}, "digits", "upper"], "ZZ", None),
        ("bit", [{**YES_NO, "otherwise": {"value": False}}], "?", False),
        ("bit", [{**YES_NO, "otherwise": "keep"}], "1", True),
        ("bit", [{**YES_NO, "otherwise": "null", "ignore_case": True}], "?", None),
        ("int", [keep()], "7", 7),
        ("int", [keep(), "digits"], "7x", 7),
        ("int", [keep(), keep()], "7", 7),
        ("int", [keep(), {"constant": 0}], "7", 0),
        ("date", ["date", keep(lookup={"a": "2024-01-01"})], "x 2024-02-29", date(2024, 2, 29)),
        ("datetime", ["date", keep(lookup={"a": "2024-01-01T00:00:00"})], "x 2024-02-29", datetime(2024, 2, 29)),
    ],
)
def test_a_text_that_a_look_up_does_not_know_is_counted_and_otherwise_says_its_value(
    type_: str, steps: list[Any], text: str, value: object
) -> None:
    found = chain(type_, *steps)(text)
    assert found == Tolerated(found.value, "unknown")
    assert same(found.value, value)


@pytest.mark.parametrize(
    ("steps", "fault"),
    [
        ([{"lookup": "STATES"}], "is not in enumeration STATES"),
        ([{"lookup": "STATES", "ignore_case": True}, "trim"], "is not in enumeration STATES"),
        ([{"lookup": {"a": "b"}}], "is not in its look-up's table"),
        ([{"lookup": {"a": "b"}, "otherwise": "keep"}, {"lookup": "STATES"}], "is not in enumeration STATES"),
    ],
)
@pytest.mark.parametrize("unparsable", ["reject", "null"])
def test_a_look_up_that_rejects_does_so_whatever_is_unparsable(
    steps: list[Any], fault: str, unparsable: Literal["reject", "null"]
) -> None:
    with pytest.raises(Unfit) as raised:
        chain("string(10)", *steps, unparsable=unparsable)("zz-secret")
    assert str(raised.value) == fault
    assert raised.value.__context__ is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("abcde", "abcde"),
        ("äöüßé", "äöüßé"),
        ("ab\U0001f600c", "ab\U0001f600c"),
        ("abcdef", Tolerated("abcde", "truncated")),
        ("äöüßéx", Tolerated("äöüßé", "truncated")),
        ("abcd\U0001f600", Tolerated("abcd", "truncated")),
        ("abc\U0001f600", "abc\U0001f600"),
        ("\U0001f600\U0001f600\U0001f600", Tolerated("\U0001f600\U0001f600", "truncated")),
        ("x" * 1_000_000, Tolerated("xxxxx", "truncated")),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_text_too_long_is_cut_and_counted_and_a_surrogate_pair_stays_whole(text: str, value: object) -> None:
    assert same(chain("string(5)", too_long="truncate")(text), value)


def test_a_cut_that_leaves_nothing_is_no_value() -> None:
    assert chain("string(1)", too_long="truncate")("\U0001f600") == Tolerated(None, "truncated")


@pytest.mark.parametrize(
    ("steps", "text", "value"),
    [
        (["upper"], "straßen", Tolerated("STRASS", "truncated")),
        (["digits"], "1-2-3-4-5-6", "123456"),
        ([{"lookup": {"a": "b"}, "otherwise": "null"}], "toolong", Tolerated(None, "unknown")),
    ],
)
def test_the_length_is_that_after_the_steps(steps: list[Any], text: str, value: object) -> None:
    assert same(chain("string(6)", *steps, too_long="truncate")(text), value)


def test_a_kept_text_that_does_not_fit_counts_twice() -> None:
    step = {"lookup": {"a": "b"}, "otherwise": "keep"}
    for steps in ([step], [step, "trim"]):
        assert chain("string(3)", *steps, too_long="truncate")("long") == Tolerated("lon", "truncated", "unknown")
    for kept in ([keep()], [keep(), "trim"], [keep(), "first_number"], [keep(), "first_number", "trim"]):
        assert chain("int", *kept, unparsable="null")("x") == Tolerated(None, "unparsable", "unknown")


UNPARSABLE = [
    ("int", [], "12x"),
    ("int", ["trim"], "12x"),
    ("int", ["first_number"], "none"),
    ("int", ["first_number"], "1.5"),
    ("date", [], "29.02.2024"),
    ("date", ["date"], "29.02.2024"),
    ("date", [{"date": ["%m/%d/%Y"]}], "29.02.2024"),
    ("datetime", ["date", "upper"], "n/a"),
    ("string(9)", ["first_number"], "none"),
    ("string(9)", ["date", {"constant": "x"}], "none"),
    ("bit", [], "Y"),
    ("uuid", [], "1"),
]


@pytest.mark.parametrize(("type_", "steps", "text"), UNPARSABLE)
def test_a_text_that_type_or_step_cannot_use_rejects_the_record(type_: str, steps: list[Any], text: str) -> None:
    with pytest.raises(Unfit) as raised:
        chain(type_, *steps)(text)
    assert len(text) < 4 or text not in str(raised.value)
    assert raised.value.__context__ is None


@pytest.mark.parametrize(("type_", "steps", "text"), UNPARSABLE)
def test_or_is_no_value_and_counted(type_: str, steps: list[Any], text: str) -> None:
    assert chain(type_, *steps, unparsable="null")(text) == Tolerated(None, "unparsable")


def test_a_text_that_can_be_used_is_not_counted() -> None:
    assert chain("int", "first_number", unparsable="null")("no. 7") == 7
    assert chain("date", {"date": ["%d.%m.%Y"]}, unparsable="null")("29.02.2024") == date(2024, 2, 29)


@pytest.mark.parametrize(
    ("type_", "steps"),
    [
        ("string(40)", ["collapse", "upper", "digits"]),
        ("string(40)", ["trim", {"lookup": "STATES", "otherwise": "keep", "ignore_case": True}]),
        ("int", ["first_number"]),
        ("decimal(12,2)", ["digits"]),
        ("datetime", [{"date": ["%d.%m.%Y", "%b %d, %Y"]}]),
    ],
)
@pytest.mark.parametrize("piece", ["1", "1.1.", "a ", "\U0001f600"])
def test_a_megabyte_goes_through_a_chain_in_proportion(type_: str, steps: list[Any], piece: str) -> None:
    convert = chain(type_, *steps, too_long="truncate", unparsable="null")
    text = piece * (1_000_000 // len(piece))
    started = time.process_time()
    convert(text)
    # What grows with the square of the length takes hours here.
    assert time.process_time() - started < 5


def test_one_look_up_costs_well_below_a_microsecond() -> None:
    convert = chain("bit", YES_NO)
    best = min(timeit.repeat(lambda: convert("Y"), number=10_000, repeat=5)) / 10_000
    assert best < 1e-6
