# ruff: noqa: DTZ001 - columns of type datetime hold naive values
from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest

from include.pipelines.xml.mapping.conversions import Unfit
from tests.include.pipelines.xml.formula.formula_rows import evaluated

EAST = timezone(timedelta(hours=5))
ID = UUID("6f9619ff-8b86-d011-b42d-00c04fc964ff")


@pytest.mark.parametrize(
    ("text", "result", "value"),
    [
        ("12", "int", 12),
        ("-7", "smallint", -7),
        ("12.0", "int", 12),
        ("12", "decimal(5,2)", Decimal(12)),
        ("-0.5", "decimal(5,2)", Decimal("-0.5")),
        ("0.5", "float", 0.5),
        ("2", "float", 2.0),
        ("'It''s'", "string(4)", "It's"),
        ("TRUE", "bit", True),
        ("0", "bit", False),
        ("NULL", "int", None),
        ("NULL", "bit", None),
        ("DATE '2026-01-31'", "date", date(2026, 1, 31)),
        ("'2026-01-31'", "date", date(2026, 1, 31)),
        ("DATE '2026-01-31'", "datetime", datetime(2026, 1, 31)),
        ("'2026-01-31'", "datetime", datetime(2026, 1, 31)),
        ("'2026-01-31T10:00:00'", "datetime", datetime(2026, 1, 31, 10)),
        ("'2026-01-31T10:00:00+05:00'", "datetimeoffset", datetime(2026, 1, 31, 10, tzinfo=EAST)),
        ("'6f9619ff-8b86-d011-b42d-00c04fc964ff'", "uuid", ID),
        ("('A')", "text", "A"),
    ],
)
def test_a_literal_becomes_a_value_of_the_columns_type(text: str, result: str, value: object) -> None:
    found = evaluated(text, result)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "result", "given", "value"),
    [
        ("n", "bigint", {"n": 5}, 5),
        ("n", "decimal(5,2)", {"n": 5}, Decimal(5)),
        ("n", "float", {"n": 5}, 5.0),
        ("amount", "int", {"amount": Decimal("5.00")}, 5),
        ("amount", "float", {"amount": Decimal("0.10")}, 0.1),
        ("rate", "int", {"rate": 5.0}, 5),
        ("rate", "decimal(5,2)", {"rate": 0.1}, Decimal("0.1")),
        ("rate", "decimal(5,2)", {}, None),
        ("day", "datetime", {"day": date(2026, 1, 31)}, datetime(2026, 1, 31)),
        ("t", "string(20)", {"t": "A"}, "A"),
        ("CASE WHEN flag = 1 THEN amount ELSE rate END", "float", {"flag": True, "amount": Decimal("0.1")}, 0.1),
    ],
)
def test_a_field_becomes_a_value_of_the_columns_type(
    text: str, result: str, given: dict[str, object], value: object
) -> None:
    found = evaluated(text, result, **given)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "result", "given"),
    [
        ("amount", "int", {"amount": Decimal("7391.5")}),
        ("rate", "int", {"rate": 7391.5}),
        ("rate", "int", {"rate": float("inf")}),
        ("rate", "decimal(5,2)", {"rate": float("inf")}),
        ("DATEADD(day, amount, day)", "date", {"amount": Decimal("7391.5"), "day": date(2026, 1, 31)}),
    ],
)
def test_a_number_too_fine_for_its_column_is_unfit_and_not_quoted(
    text: str, result: str, given: dict[str, object]
) -> None:
    with pytest.raises(Unfit) as raised:
        evaluated(text, result, **given)
    assert "7391" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__ or raised.value.__context__ is None
