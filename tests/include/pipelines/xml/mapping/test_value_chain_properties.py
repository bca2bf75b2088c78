from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from include.pipelines.xml.language.column_types import KINDS, ColumnType, Kind, parse_type
from include.pipelines.xml.language.steps import STEP_NAMES, Step
from include.pipelines.xml.mapping.conversions import Convert, Unfit
from include.pipelines.xml.mapping.value_chain import Tolerated, chain_of, step_mistakes

STEPS: TypeAdapter[list[Step]] = TypeAdapter(list[Step])
STATES: dict[str, Any] = {"CA": "California", "NY": "New York", "XX": ""}
SIZED = {"string": "string(6)", "decimal": "decimal(12,2)"}
PYTHON_TYPES: dict[Kind, type] = {
    "string": str,
    "text": str,
    "decimal": Decimal,
    "float": float,
    "bit": bool,
    "date": date,
    "datetime": datetime,
    "datetimeoffset": datetime,
    "uuid": UUID,
}

TEXTS = st.sampled_from(["", "a", "Y", "12", "1.5", "true", "2024-02-29", "6f9619ff-8b86-d011-b42d-00c04fc964ff"])
SCALARS = TEXTS | st.booleans() | st.integers(-300, 300) | st.sampled_from([Decimal("1.5"), Decimal("0.001")])
LOOKUPS = st.builds(
    lambda table, otherwise, ignore_case: {"lookup": table, "otherwise": otherwise, "ignore_case": ignore_case},
    st.just("STATES") | st.dictionaries(TEXTS, SCALARS, min_size=1, max_size=3),
    st.sampled_from(["reject", "null", "keep"]) | st.builds(lambda value: {"value": value}, SCALARS),
    st.booleans(),
)
DATES = st.sampled_from([{"date": ["%d.%m.%Y"]}, {"date": ["%Y%m%d", "%b %d, %Y"]}])
CONSTANTS = st.builds(lambda value: {"constant": value}, SCALARS)
STEP_LISTS = st.lists(st.sampled_from(STEP_NAMES) | DATES | LOOKUPS | CONSTANTS, max_size=4)
MARK = "\u2603\u2603"
ANY_TEXT = st.one_of(
    TEXTS.filter(bool),
    st.text(st.characters(exclude_categories=()), min_size=1),
    st.text("0123456789+-.,: TZ/aejnuY\u0663\U0001f600", min_size=1),
    st.dates().map(str),
)


def outcome(convert: Convert, text: str) -> tuple[Any, Unfit | None]:
    try:
        return convert(text), None
    except Unfit as unfit:
        return None, unfit


@given(
    st.sampled_from(KINDS),
    STEP_LISTS,
    st.sampled_from(["reject", "truncate"]),
    st.sampled_from(["reject", "null"]),
    ANY_TEXT,
    st.booleans(),
)
def test_any_text_through_any_sound_chain_is_a_value_none_tolerated_or_unfit(
    kind: Kind,
    steps: list[Any],
    too_long: Literal["reject", "truncate"],
    unparsable: Literal["reject", "null"],
    text: str,
    marked: bool,
) -> None:
    column_type = parse_type(SIZED.get(kind, kind))
    read = STEPS.validate_python(steps)
    assume(not any(step_mistakes(column_type, read, {"STATES": STATES})))
    convert = chain_of(column_type, read, {"STATES": STATES}, too_long=too_long, unparsable=unparsable)
    if convert is None:
        return
    value, unfit = outcome(convert, f"{MARK}{text}{MARK}" if marked else text)
    assert unfit is None or (MARK not in str(unfit) and unfit.__context__ is None)
    if isinstance(value, Tolerated):
        assert value.warning in ("truncated", "unparsable", "unknown")
        assert not (value.warning == "unparsable" and unparsable == "reject")
        assert not (value.warning == "truncated" and too_long == "reject")
        value = value.value
    assert value is None or type(value) is PYTHON_TYPES.get(kind, int)
    assert value != ""
    if kind == "string" and too_long == "truncate" and value is not None:
        assert len(value.encode("utf-16-le", "surrogatepass")) <= 2 * column_type.length


@given(st.sampled_from(KINDS), STEP_LISTS)
def test_steps_with_mistakes_have_a_place_within_them(kind: Kind, steps: list[Any]) -> None:
    read = STEPS.validate_python(steps)
    for place, message in step_mistakes(parse_type(SIZED.get(kind, kind)), read, {"STATES": STATES}):
        part: Any = steps
        for name in place:
            part = part[name]
        assert message


OF_TYPE: dict[Kind, Any] = {
    "string": "x", "text": "x", "bit": True, "date": "2024-01-01", "datetime": "2024-01-01T00:00:00",
    "datetimeoffset": "2024-01-01T00:00:00Z", "uuid": "6f9619ff-8b86-d011-b42d-00c04fc964ff",
}  # fmt: skip
"""What the last look-up of a column may give; others are numbers."""
CHAINS: list[list[Any]] = [
    [],
    ["date"],
    ["digits"],
    ["first_number"],
    ["upper"],
    [{"date": ["%d.%m.%Y", "%Y%m%d"]}],
    ["date", "digits"],
    ["first_number", "digits"],
    [{"constant": "2024-02-29"}, "date"],
    [{"lookup": {"A": "2024-02-29", "B": "7"}}, "lower"],
    [{"lookup": {"A": "2024-02-29"}, "otherwise": "keep"}, "date"],
    ["date", {"lookup": {"2024-02-29": "2024-03-01"}, "otherwise": "keep"}, "trim"],
    ["date", {"lookup": {"2024-02-29": "2024-03-01T10:00:00"}, "otherwise": "keep"}, "trim"],
]
WORDS = [
    "A", "B", "7", "-7", "1.5", "true", "20240229", "2024-02-29", "2024-03-02", "29.02.2024", "2024-02-29T10:00:00",
    "2024-02-29T10:00:00Z", "6f9619ff-8b86-d011-b42d-00c04fc964ff", "99999999999999999999",
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_that_changes_no_text_changes_no_value_wherever_it_stands(kind: Kind) -> None:
    column_type = parse_type(SIZED.get(kind, kind))
    for chain in CHAINS:
        expected = outcomes(column_type, chain)
        for place in range(len(chain) + 1):
            given = OF_TYPE.get(kind, 1) if place == len(chain) else "x"
            for neutral in (["trim"], ["collapse"], [keeping(given)], [keeping("x"), "trim"]):
                longer = [*chain[:place], *neutral, *chain[place:]]
                assert outcomes(column_type, longer) == expected, (chain, longer)


def keeping(value: Any) -> dict[str, Any]:
    return {"lookup": {"no such word": value}, "otherwise": "keep"}


def outcomes(column_type: ColumnType, steps: list[Any]) -> list[Any] | None:
    """Of all words, whatever was counted; None where the steps are refused."""
    read = STEPS.validate_python(steps)
    if any(step_mistakes(column_type, read, {})):
        return None
    convert = chain_of(column_type, read, {})
    if convert is None:
        return [*WORDS]
    found = [outcome(convert, word) for word in WORDS]
    return [None if unfit else value.value if isinstance(value, Tolerated) else value for value, unfit in found]
