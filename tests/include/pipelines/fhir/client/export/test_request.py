from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from include.engine.errors import SettingsError
from include.pipelines.fhir.client.export.request import ExportRequest


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({}, "$export?_outputFormat=application%2Ffhir%2Bndjson"),
        ({"patients_only": True}, "Patient/$export?_outputFormat=application%2Ffhir%2Bndjson"),
        ({"group_id": "g-1"}, "Group/g-1/$export?_outputFormat=application%2Ffhir%2Bndjson"),
        (
            {
                "types": ("Patient", "Observation"),
                "since": datetime(2026, 1, 1, tzinfo=UTC),
                "type_filters": ("Observation?status=final&code=a|b",),
            },
            (
                "$export?_outputFormat=application%2Ffhir%2Bndjson&_type=Patient%2CObservation"
                "&_since=2026-01-01T00%3A00%3A00.000Z&_typeFilter=Observation%3Fstatus%3Dfinal%26code%3Da%7Cb"
            ),
        ),
    ],
)
def test_a_request_is_a_url(fields: dict[str, Any], path: str) -> None:
    assert ExportRequest(**fields).path() == path


def test_searches_for_what_an_export_would_hold() -> None:
    request = ExportRequest(
        types=("Patient", "Observation"),
        since=datetime(2026, 1, 1, tzinfo=UTC),
        type_filters=("Observation?status=final", "Observation?code=a%7Cb"),
    )
    since = "_lastUpdated=ge2026-01-01T00%3A00%3A00.000Z"
    assert {name: [search.path(None) for search in searches] for name, searches in request.searches()} == {
        "Patient": [f"Patient?{since}"],
        "Observation": [f"Observation?status=final&{since}", f"Observation?code=a%7Cb&{since}"],
    }


def test_exports_are_told_apart_without_their_values() -> None:
    one = ExportRequest(types=("Patient",), type_filters=("Patient?family=Zyxwvut",))
    assert one.fingerprint("https://a.example") != one.fingerprint("https://b.example")
    assert one.fingerprint("https://a.example") != ExportRequest(types=("Patient",)).fingerprint("https://a.example")
    assert "Zyxwvut" not in one.fingerprint("https://a.example")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"types": ("patient",)}, "must begin with the name of a resource type"),
        ({"type_filters": ("?family=Zyxwvut",)}, "must begin with the name of a resource type"),
        (
            {"types": ("Patient",), "type_filters": ("Group?x=Zyxwvut",)},
            "type_filters name Group, which types does not",
        ),
        ({"group_id": "../x"}, "group_id"),
    ],
)
def test_what_cannot_be_asked_is_told_without_values(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError, match=told) as error:
        ExportRequest(**fields)
    assert "Zyxwvut" not in str(error.value)
