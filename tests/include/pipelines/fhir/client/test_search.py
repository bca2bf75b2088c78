from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from include.engine.errors import SettingsError
from include.pipelines.fhir.client.search import Search, instant
from include.warehouse.window import Window


def test_parameters_keep_their_order_and_are_quoted() -> None:
    search = Search(
        resource_type="Observation",
        params=[("code", "a|b c"), ("date", "ge2026"), ("date", "lt2027")],
        changed=Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC).replace(tzinfo=None)),
        elements=["code", "subject"],
    )
    assert search.path(100) == (
        "Observation?code=a%7Cb%20c&date=ge2026&date=lt2027"
        "&_lastUpdated=ge2026-01-01T00%3A00%3A00.000Z&_lastUpdated=lt2026-01-02T00%3A00%3A00.000Z"
        "&_elements=code%2Csubject&_count=100"
    )


def test_a_search_may_name_its_own_page_size() -> None:
    assert Search(resource_type="Patient", page_size=7).path(100) == "Patient?_count=7"
    assert Search(resource_type="Patient").path(None) == "Patient"


def test_an_instant_is_utc_to_the_millisecond() -> None:
    there = datetime(2026, 1, 1, 1, 2, 3, 456789, tzinfo=timezone(timedelta(hours=2)))
    assert instant(there) == "2025-12-31T23:02:03.456Z"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"resource_type": "Patient/../Group"}, "resource type"),
        ({"resource_type": "Patient", "elements": ["name", "name.family"]}, "element 2"),
        ({"resource_type": "Patient", "params": [("family", "\ud800Zyxwvut")]}, "parameter 1"),
        ({"resource_type": "Patient", "params": [("a", "b"), ("family", 5)]}, "parameter 2"),
    ],
)
def test_what_cannot_be_asked_is_told_by_its_place(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError, match=told) as wrong:
        Search(**fields)
    assert "Zyxwvut" not in str(wrong.value)
