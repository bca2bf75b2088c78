from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.engine.errors import SettingsError
from include.pipelines.fhir.reading import Reading, reading_of
from include.pipelines.fhir.settings import FhirViewSettings
from include.pipelines.fhir.watermark import Watermark
from include.warehouse.window import Window

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MARKS = {"Observation": "obs001", "Patient": "pat001"}
KNOWN = Watermark(NOON, frozenset(MARKS.values()))
OLD_PATIENTS = Watermark(NOON, frozenset({"obs001", "pat000"}))
DAY = Window(NOON, NOON + timedelta(days=1))
OVERLAPPED = NOON - timedelta(seconds=300)
KEPT = {"kept_folder": "/kept"}


def reading(
    window: Window | None = None,
    watermark: Watermark | None = KNOWN,
    kept_whole: tuple[str, ...] = ("Patient",),
    **settings: Any,
) -> Reading:
    return reading_of(FhirViewSettings(**settings), window, watermark, MARKS, lambda: set(kept_whole))


def test_the_first_run_reads_everything() -> None:
    found = reading(watermark=None)
    assert found == Reading({"Observation": None, "Patient": None})
    assert found.is_everything


def test_a_run_goes_on_from_the_watermark_with_an_overlap() -> None:
    found = reading()
    assert found == Reading(dict.fromkeys(MARKS, OVERLAPPED))
    assert not found.is_everything
    assert reading(overlap_s=0).since["Patient"] == NOON


def test_force_reads_everything_again_and_leaves_a_watermark() -> None:
    found = reading(force=True)
    assert (found.is_everything, found.is_part) == (True, False)


@pytest.mark.parametrize(
    "settings",
    [
        {"window_start": "2026-01-01", "window_end": "2026-01-02"},
        {"resource_types": "Patient"},
        {"resource_types": "Patient", "force": True},
        {"key_list": "chosen"},
        {"open_rejects_only": True},
        {"read_from": "kept", **KEPT},
    ],
)
def test_a_run_over_a_part_leaves_the_watermark_alone(settings: dict[str, Any]) -> None:
    window = DAY if "window_start" in settings else None
    found = reading(window, **settings)
    assert found.is_part
    assert not found.is_everything


def test_a_window_is_read_as_it_stands_whatever_the_watermark_says() -> None:
    assert reading(DAY, OLD_PATIENTS) == Reading(dict.fromkeys(MARKS, DAY.start), DAY.end, is_part=True)


def test_types_whose_views_changed_or_are_new_are_read_whole_and_no_others() -> None:
    assert reading(watermark=OLD_PATIENTS) == Reading({"Observation": OVERLAPPED, "Patient": None})


def test_changed_views_are_filled_from_what_was_kept_where_asked() -> None:
    found = reading(watermark=OLD_PATIENTS, when_views_change="rebuild", **KEPT)
    assert found == Reading(dict.fromkeys(MARKS, OVERLAPPED), rebuilt=frozenset({"Patient"}))


def test_what_was_not_kept_from_the_first_run_on_is_read_from_the_server_instead() -> None:
    found = reading(None, OLD_PATIENTS, (), when_views_change="rebuild", **KEPT)
    assert found == reading(watermark=OLD_PATIENTS)


def test_changed_views_keep_their_old_rows_where_asked() -> None:
    assert reading(watermark=OLD_PATIENTS, when_views_change="keep") == Reading(dict.fromkeys(MARKS, OVERLAPPED))


def test_what_was_kept_is_read_without_the_server() -> None:
    assert reading(read_from="kept", resource_types="Patient", **KEPT) == Reading(
        {}, rebuilt=frozenset({"Patient"}), is_part=True
    )


def test_a_type_that_no_view_reads_is_named_with_those_that_there_are() -> None:
    with pytest.raises(SettingsError, match="no view reads Claim; there are Observation, Patient"):
        reading(resource_types="Patient, Claim")


def test_types_of_one_start_go_together_and_the_log_says_what_is_read() -> None:
    found = reading(watermark=OLD_PATIENTS)
    assert found.by_start() == [(None, ("Patient",)), (OVERLAPPED, ("Observation",))]
    assert str(found) == "Patient from the first; Observation changed from 2026-03-01T11:55:00.000000Z"
    assert str(reading(DAY)).endswith(", until before 2026-03-02T12:00:00.000000Z")
