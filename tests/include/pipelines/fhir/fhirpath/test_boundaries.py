from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.pipelines.fhir.fhirpath.compile import compile_expression
from include.pipelines.fhir.fhirpath.errors import EvaluationError


def evaluate(text: str, node: object = None) -> object:
    return compile_expression(text).one(node, (node, 0))


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("1.587.BOUNDARY()", "1.5865", "1.5875"),
        ("1.587.BOUNDARY(6)", "1.586500", "1.587500"),
        ("1.587.BOUNDARY(2)", "1.58", "1.59"),
        ("1.587.BOUNDARY(0)", "1", "2"),
        ("1.0.BOUNDARY()", "0.95", "1.05"),
        ("(-1.587).BOUNDARY()", "-1.5875", "-1.5865"),
        ("(-1.587).BOUNDARY(2)", "-1.59", "-1.58"),
        ("0.0034.BOUNDARY(1)", "0.0", "0.1"),
        ("120.BOUNDARY(2)", "119.50", "120.50"),
        ("1.587.BOUNDARY(-1)", None, None),
        ("1.587.BOUNDARY(32)", None, None),
    ],
)
def test_numbers_reach_half_a_unit_of_their_last_digit(text: str, low: str | None, high: str | None) -> None:
    for name, expected in (("lowBoundary", low), ("highBoundary", high)):
        found = evaluate(text.replace("BOUNDARY", name))
        assert (None if found is None else str(found)) == expected


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("@2014.BOUNDARY()", "2014-01-01", "2014-12-31"),
        ("@2014.BOUNDARY(6)", "2014-01", "2014-12"),
        ("@2014-02.BOUNDARY()", "2014-02-01", "2014-02-28"),
        ("@2016-02.BOUNDARY()", "2016-02-01", "2016-02-29"),
        ("@2014-02-03.BOUNDARY()", "2014-02-03", "2014-02-03"),
        ("@2014-02-03.BOUNDARY(4)", "2014", "2014"),
        ("@2014-02-03.BOUNDARY(5)", None, None),
        ("@2014-01-01T08.BOUNDARY(17)", "2014-01-01T08:00:00.000+14:00", "2014-01-01T08:59:59.999-12:00"),
        ("@2014-01-01T08:05-05:00.BOUNDARY()", "2014-01-01T08:05:00.000-05:00", "2014-01-01T08:05:59.999-05:00"),
        ("@2014-01-01T08:05:06Z.BOUNDARY(8)", "2014-01-01", "2014-01-01"),
        ("@2014-01-01T08:05:06.5Z.BOUNDARY()", "2014-01-01T08:05:06.500Z", "2014-01-01T08:05:06.599Z"),
        ("@2014T.BOUNDARY()", "2014-01-01T00:00:00.000+14:00", "2014-12-31T23:59:59.999-12:00"),
        ("@T10:30.BOUNDARY(9)", "10:30:00.000", "10:30:59.999"),
        ("@T10:30.BOUNDARY(4)", "10:30", "10:30"),
        ("{}.BOUNDARY()", None, None),
    ],
)
def test_moments_reach_over_all_that_is_not_written(text: str, low: str | None, high: str | None) -> None:
    assert evaluate(text.replace("BOUNDARY", "lowBoundary")) == low
    assert evaluate(text.replace("BOUNDARY", "highBoundary")) == high


def test_a_period_reaches_from_the_first_of_its_start_to_the_last_of_its_end() -> None:
    encounter = {"period": {"start": "2014-01", "end": "2014-02-03"}, "other": {"start": "2014"}}
    assert evaluate("period.lowBoundary()", encounter) == "2014-01-01T00:00:00.000+14:00"
    assert evaluate("period.highBoundary()", encounter) == "2014-02-03T23:59:59.999-12:00"
    assert evaluate("other.highBoundary()", encounter) is None


def test_a_name_tells_a_date_from_a_date_time() -> None:
    found = {"birthDate": "1970-06", "recordedDate": "1970-06"}
    assert evaluate("birthDate.highBoundary()", found) == "1970-06-30"
    assert evaluate("recordedDate.highBoundary()", found) == "1970-06-30T23:59:59.999-12:00"


@pytest.mark.parametrize(
    ("value", "cause"), [("soon", "not_temporal"), (True, "not_comparable"), ({}, "not_comparable")]
)
def test_what_has_no_boundary_is_an_error(value: object, cause: str) -> None:
    with pytest.raises(EvaluationError) as raised:
        evaluate("recordedDate.lowBoundary()", {"recordedDate": value})
    assert raised.value.cause == cause


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**10), max_value=10**10, places=12))
def test_a_number_lies_in_the_middle_of_its_boundaries(value: Decimal) -> None:
    low, high = (evaluate(f"value.{name}()", {"value": value}) for name in ("lowBoundary", "highBoundary"))
    assert isinstance(low, Decimal)
    assert isinstance(high, Decimal)
    assert low < value < high
    assert (low + high) / 2 == value
    assert high - low == Decimal("1E-12")
