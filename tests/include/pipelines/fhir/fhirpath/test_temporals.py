from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.pipelines.fhir.fhirpath.compile import compile_expression
from include.pipelines.fhir.fhirpath.temporals import compare, parse_temporal

MOMENTS = st.datetimes(
    datetime(1, 1, 3),  # noqa: DTZ001 - hypothesis adds the time zone
    datetime(9999, 12, 29),  # noqa: DTZ001 - as above
    timezones=st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)


@pytest.mark.parametrize(
    "text",
    [
        "2015",
        "2015-02",
        "2015-02-28",
        "2016-02-29",
        "2015-02-04T14:34",
        "2015-02-04T14:34:28.123Z",
        "14:34",
        "23:59:60",
    ],
)
def test_forms_of_fhir_are_read(text: str) -> None:
    assert parse_temporal(text) is not None


@pytest.mark.parametrize(
    "text",
    ["", "T", "5", "2015-13", "2015-02-29", "0000", "2015-02T10:00", "2015-2-4", "24:00", "12:60", "2015-02-04 14:34",
     "2015-02-04T", "10:00Z", "2015Z", "٢٠١٥", "2015-02-04T10:00:00+9:00"],
)  # fmt: skip
def test_what_no_calendar_has_is_none(text: str) -> None:
    assert parse_temporal(text) is None


@given(MOMENTS, MOMENTS)
def test_moments_with_offsets_are_ordered_as_on_the_time_line(one: datetime, other: datetime) -> None:
    left, right = (parse_temporal(moment.isoformat()) for moment in (one, other))
    assert left is not None
    assert right is not None
    assert compare(left, right) == (one > other) - (one < other)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@2012 = @2012", True),
        ("@2012 = @2012-01", None),
        ("@2012 < @2013-01", True),
        ("@2012-01 != @2012-02-01", True),
        ("@2012-01-01T10 = @2012-01-01T10:00", None),
        ("@2012-01-01T10:30 > @2012-01-01T10:29:59", True),
        ("@2012-01-01T10:30 > @2012-01-01T10:30:59", None),
        ("@2012-01-01T10:30:00 > @2012-01-01T10:29:59", True),
        ("@2012-01-01T10:30:00 = @2012-01-01T10:30:00.000", True),
        ("@2012-01-01T10:00:00Z = @2012-01-01T12:00:00+02:00", True),
        ("@2012-01-01T10:00:00Z < @2012-01-01T12:00:00", None),
        ("@2012-01-01 <= @2012-01-02T00:00:00Z", True),
        ("@T10:30 < @T10:31", True),
        ("@T10:30 = @2012", None),
        ("@2012 in (@2011 | @2012)", True),
        ("start < end", True),
        ("start = '2012-01-01T10:00:00Z'", False),
        ("start = @2012-01-01T09:00:00Z", True),
        ("text < '2013'", True),
    ],
)
def test_what_precision_leaves_open_is_empty(text: str, expected: bool | None) -> None:
    period = {"start": "2012-01-01T10:00:00+01:00", "end": "2012-01-01T09:30:00Z", "text": "2012"}
    assert compile_expression(text).one(period, (period, 0)) is expected
