from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from include.pipelines.fhir.fhirpath.errors import EvaluationError
from include.pipelines.fhir.views.values import CONVERSIONS, as_array, as_json

EAST = timezone(timedelta(hours=9))


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("boolean", False, False),
        ("integer", 7, 7),
        ("bigint", "-9223372036854775808", -(2**63)),
        ("decimal", 7, Decimal(7)),
        ("decimal", Decimal("1.50"), Decimal("1.50")),
        ("decimal", 0.1, Decimal("0.1")),
        ("float", Decimal("0.1"), 0.1),
        ("text", "x", "x"),
        ("text", True, "true"),
        ("text", Decimal("1.50"), "1.50"),
        ("date", "2015-02-04", date(2015, 2, 4)),
        ("date", "2015-02-04T23:00:00-05:00", date(2015, 2, 4)),
        ("timestamptz", "2015-02-04T14:34:28.1234567+09:00", datetime(2015, 2, 4, 14, 34, 28, 123456, EAST)),
        ("timestamp", "2015-02-04T01:34:28+09:00", datetime(2015, 2, 3, 16, 34, 28)),  # noqa: DTZ001 - a naive column
        ("timestamptz", "2015-02-04T14:34Z", datetime(2015, 2, 4, 14, 34, tzinfo=UTC)),
        ("binary", "aGVs\nbG8K", b"hello\n"),
    ],
)
def test_values_are_those_of_the_resource(kind: Any, value: Any, expected: Any) -> None:
    found = CONVERSIONS[kind](value)
    assert (found, type(found), str(found)) == (expected, type(expected), str(expected))


@pytest.mark.parametrize(
    ("kind", "value", "cause"),
    [
        ("boolean", "true", "value_type"),
        ("boolean", 1, "value_type"),
        ("integer", True, "value_type"),
        ("integer", "7", "value_type"),
        ("integer", Decimal("7.0"), "value_type"),
        ("bigint", "7.0", "value_type"),
        ("decimal", "7", "value_type"),
        ("decimal", True, "value_type"),
        ("text", {}, "complex"),
        ("text", [], "complex"),
        ("date", "2015-02", "precision"),
        ("date", "soon", "not_temporal"),
        ("date", 2015, "value_type"),
        ("timestamptz", "2015-02-04", "precision"),
        ("timestamptz", "2015-02-04T14:34:28", "precision"),
        ("timestamptz", "2015-02-04T14:34:60Z", "not_temporal"),
        ("timestamp", "0001-01-01T00:00:00+09:00", "not_temporal"),
        ("timestamptz", "9999-12-31T23:59:59.999-12:00", "not_temporal"),
        ("timestamptz", 5, "value_type"),
        ("binary", "a", "binary"),
        ("binary", 5, "value_type"),
    ],
)
def test_a_value_that_does_not_fit_is_never_bent(kind: Any, value: Any, cause: str) -> None:
    with pytest.raises(EvaluationError) as raised:
        CONVERSIONS[kind](value)
    assert raised.value.cause == cause


def test_json_keeps_numbers_as_they_were_written() -> None:
    assert as_json({"value": Decimal("1.50"), "text": "ä"}) == '{"value":1.50,"text":"ä"}'
    assert as_array((1, "x")) == '[1,"x"]'
    assert as_array(()) == "[]"
