from __future__ import annotations

import pytest

from include.engine.errors import SettingsError
from include.pipelines.fhir.streams import MAX_FILTER, Stream, stream_of, streams_of


def test_a_type_without_filters_is_one_stream_and_filters_of_a_type_add_up() -> None:
    found = streams_of(["Patient", "Observation"], ["Observation?status=final", "Observation?code=a%7Cb", "Claim?x=1"])
    assert found == [
        Stream("Observation?status=final", "Observation", (("status", "final"),)),
        Stream("Observation?code=a%7Cb", "Observation", (("code", "a|b"),)),
        Stream("Patient", "Patient"),
    ]


def test_a_filter_that_is_given_twice_is_read_once() -> None:
    assert len(streams_of(["Patient"], ["Patient?active=true"] * 2)) == 1


@pytest.mark.parametrize(
    ("bounds", "query"),
    [
        ((None, None), "Patient?active=true&_count=100"),
        (
            ("2026-01-01T00:00:00.000Z", None),
            "Patient?active=true&_lastUpdated=ge2026-01-01T00%3A00%3A00.000Z&_count=100",
        ),
        (
            (None, "2026-01-01T00:00:00.000Z"),
            "Patient?active=true&_lastUpdated=lt2026-01-01T00%3A00%3A00.000Z&_count=100",
        ),
    ],
)
def test_bounds_are_half_open_and_none_asks_for_what_has_no_date_too(
    bounds: tuple[str | None, str | None], query: str
) -> None:
    assert stream_of("Patient?active=true").search(*bounds).path(100) == query


@pytest.mark.parametrize("text", ["patient", "", "Patient?active", "Patient?" + "x" * MAX_FILTER, "Pat ient?a=b"])
def test_what_is_no_filter_is_refused_with_the_form_of_one(text: str) -> None:
    with pytest.raises(SettingsError, match=r"type_filters: give texts such as"):
        stream_of(text)
