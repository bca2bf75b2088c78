# ruff: noqa: DTZ001 - columns of type datetime hold naive values
from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from include.pipelines.xml.language.column_types import parse_type
from include.pipelines.xml.language.literals import literal_reader
from include.pipelines.xml.mapping.conversions import Unfit


@pytest.mark.parametrize(
    ("type_", "literal", "value"),
    [
        ("string(3)", "abc", "abc"),
        ("text", "", ""),
        ("int", 7, 7),
        ("int", "7", 7),
        ("int", Decimal("1e2"), 100),
        ("decimal(5,2)", Decimal("1.5"), Decimal("1.5")),
        ("decimal(5,2)", "1.50", Decimal("1.50")),
        ("float", Decimal("1.5"), 1.5),
        ("bit", True, True),
        ("date", "2024-02-29", date(2024, 2, 29)),
        ("datetime", "2024-02-29T00:00:00", datetime(2024, 2, 29)),
        ("uuid", "6f9619ff-8b86-d011-b42d-00c04fc964ff", UUID("6f9619ff-8b86-d011-b42d-00c04fc964ff")),
    ],
)
def test_a_literal_becomes_a_value_of_the_type(type_: str, literal: object, value: object) -> None:
    found = literal_reader(parse_type(type_))(literal)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("type_", "literal", "fault"),
    [
        ("string(3)", 5, "write it as text"),
        ("string(3)", "abcd", "takes 3 UTF-16 units"),
        ("string(3)", True, "true and false are for bit columns"),
        ("int", True, "true and false are for bit columns"),
        ("int", "x", "is no whole number"),
        ("int", Decimal("1.5"), "is no whole number"),
        ("tinyint", 256, "takes 0 to 255"),
        ("decimal(5,2)", Decimal("1.555"), "takes 2 digits after the point"),
        ("decimal(5,2)", 1000, "takes finite numbers of 3 digits"),
        ("bit", 1, "write true or false"),
        ("bit", "true", "write true or false"),
        ("date", "29.02.2024", "is no date"),
        ("int", None, "write text, a number"),
        ("decimal(5,2)", Decimal("1e999999999"), "has more than 100 digits"),
        ("decimal(5,2)", Decimal("1e-999999999"), "has more than 100 digits"),
        ("decimal(5,2)", Decimal("NaN"), "has more than 100 digits"),
        pytest.param("bigint", 10**5000, "has more than 100 digits", id="a number that str refuses"),
    ],
)
def test_a_literal_that_does_not_fit_is_refused(type_: str, literal: object, fault: str) -> None:
    with pytest.raises(Unfit, match=fault):
        literal_reader(parse_type(type_))(literal)
