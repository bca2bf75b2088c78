from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.pipelines.fhir.moments import instant_at, milliseconds, moment_at, version_at, version_of


@pytest.mark.parametrize(
    ("written", "version"),
    [
        ("2015-02-04T10:00:00Z", "2015-02-04T10:00:00.000000Z"),
        ("2015-02-04T10:00:00.123+02:00", "2015-02-04T08:00:00.123000Z"),
        ("2015-02-04T10:00:00.123456789Z", "2015-02-04T10:00:00.123456Z"),
        ("2015-02-04T10:00:00", None),
        ("2015-02-04", None),
        ("yesterday", None),
        ("0001-01-01T00:00:00+14:00", None),
        (None, None),
    ],
)
def test_versions_are_in_utc_to_the_microsecond_and_what_is_no_instant_has_none(
    written: str | None, version: str | None
) -> None:
    assert version_of(written) == version


@given(st.lists(st.datetimes(timezones=st.just(UTC)), min_size=2, max_size=5))
def test_versions_sort_as_the_moments_do_and_come_back(moments: list[datetime]) -> None:
    assert sorted(map(version_at, moments)) == [version_at(moment) for moment in sorted(moments)]
    assert [moment_at(version_at(moment)) for moment in moments] == moments


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_milliseconds_become_instants_and_come_back(number: int) -> None:
    assert milliseconds(datetime.fromisoformat(instant_at(number))) == number


def test_a_moment_without_offset_is_no_version() -> None:
    with pytest.raises(ValueError, match="without an offset"):
        moment_at("2015-02-04T10:00:00")
