# ruff: noqa: DTZ001 - columns of type datetime hold naive values
from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.pipelines.xml.language.column_types import KINDS, Kind
from include.pipelines.xml.mapping.conversions import Unfit, converter

EAST = timezone(timedelta(hours=5, minutes=30))


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("int", "42", 42),
        ("int", "-7", -7),
        ("int", "+7", 7),
        ("bigint", "007", 7),
        ("decimal", "12.50", Decimal("12.50")),
        ("decimal", "-.5", Decimal("-0.5")),
        ("decimal", "5.", Decimal(5)),
        ("float", "1.5e3", 1500.0),
        ("bit", "true", True),
        ("bit", "0", False),
        ("date", "2024-02-29", date(2024, 2, 29)),
        ("date", "2024-02-29Z", date(2024, 2, 29)),
        ("date", "2024-02-29+05:30", date(2024, 2, 29)),
        ("datetime", "2024-02-29T12:00:00", datetime(2024, 2, 29, 12)),
        ("datetime", "2024-02-29 12:00:00.5", datetime(2024, 2, 29, 12, 0, 0, 500_000)),
        ("datetime", "2024-02-29T12:00:00.1234567", datetime(2024, 2, 29, 12, 0, 0, 123_456)),
        ("datetime", "2024-02-29T12:00:00Z", datetime(2024, 2, 29, 12)),
        ("datetime", "2024-03-01T01:00:00+05:30", datetime(2024, 2, 29, 19, 30)),
        ("datetimeoffset", "2024-02-29T12:00:00Z", datetime(2024, 2, 29, 12, tzinfo=UTC)),
        ("datetimeoffset", "2024-02-29T12:00:00+05:30", datetime(2024, 2, 29, 12, tzinfo=EAST)),
        ("uuid", "6f9619ff-8b86-d011-b42d-00c04fc964ff", UUID("6f9619ff-8b86-d011-b42d-00c04fc964ff")),
    ],
)
def test_the_forms_of_xml_schema_are_taken(kind: Kind, text: str, value: object) -> None:
    convert = converter(kind)
    assert convert is not None
    found = convert(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("int", "1_000"),
        ("int", "١٢"),
        ("int", "1.0"),
        ("int", "0x10"),
        ("int", "1" * 101),
        ("decimal", "1,5"),
        ("decimal", "1e5"),
        ("decimal", "NaN"),
        ("decimal", "Infinity"),
        ("decimal", "1_0"),
        ("decimal", "\u0663.\u0665"),
        ("decimal", "."),
        ("decimal", "1.2.3"),
        ("decimal", "1-2"),
        ("decimal", "9" * 101),
        ("float", "nan"),
        ("float", "1e9999"),
        ("bit", "True"),
        ("bit", "yes"),
        ("date", "31.02.1980"),
        ("date", "2023-02-29"),
        ("date", "20240229"),
        ("date", "2024-W01-1"),
        ("date", "2024-02-29T00:00:00"),
        ("date", "2024-2-9"),
        ("date", "٢٠٢٤-٠٢-٢٩"),
        ("datetime", "2024-02-29"),
        ("datetime", "2024-02-29T24:00:00"),
        ("datetime", "2024-02-29T12:00"),
        ("datetime", "2024-02-29T12:60:00"),
        ("datetime", "2024-02-29T12:00:00+15:00"),
        ("datetime", "0001-01-01T00:00:00+01:00"),
        ("datetimeoffset", "2024-02-29T12:00:00"),
        ("uuid", "{6f9619ff-8b86-d011-b42d-00c04fc964ff}"),
    ],
)
def test_other_forms_are_refused_and_not_quoted(kind: Kind, text: str) -> None:
    convert = converter(kind)
    assert convert is not None
    with pytest.raises(Unfit) as raised:
        convert(text)
    assert len(text) < 3 or text not in str(raised.value)
    assert raised.value.__context__ is None


@given(st.sampled_from([kind for kind in KINDS if converter(kind)]), st.text(min_size=1))
def test_no_text_makes_a_converter_raise_anything_else(kind: Kind, text: str) -> None:
    convert = converter(kind)
    assert convert is not None
    with suppress(Unfit):
        convert(text)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=5, min_value=-(10**20), max_value=10**20))
def test_a_decimal_comes_back_exactly(value: Decimal) -> None:
    convert = converter("decimal")
    assert convert is not None
    assert convert(format(value, "f")) == value


@given(st.datetimes())
def test_a_time_comes_back_to_the_microsecond(value: datetime) -> None:
    convert = converter("datetime")
    assert convert is not None
    assert convert(value.isoformat()) == value
