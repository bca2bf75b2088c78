from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from include.pipelines.fhir.settings import FhirViewSettings

STORE = {"s3_conn_id": "store", "s3_prefixes": ("s3://clinic/kept",)}


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"read_from": "export"}, "read_from export needs work_folder"),
        ({"read_from": "kept"}, "need kept_folder"),
        ({"when_views_change": "rebuild"}, "need kept_folder"),
        ({"kept_folder": "kept"}, "must be absolute paths"),
        ({"view_folder": "views"}, "must be absolute paths"),
        ({"work_folder": "s3://clinic/work/", "s3_conn_id": "store"}, "must be absolute paths; kept_folder may be s3:"),
        ({"kept_folder": "s3://clinic/kept/"}, "s3_prefixes and kept_folder in S3 need s3_conn_id"),
        ({"kept_folder": "s3://clinic/kept/", "s3_conn_id": "store"}, "must lie below one of s3_prefixes"),
        ({**STORE, "kept_folder": "s3://clinic/kept-other/"}, "must lie below one of s3_prefixes"),
        ({**STORE, "kept_folder": "s3://clinic/kept/../other/"}, "must lie below one of s3_prefixes"),
        ({**STORE, "kept_folder": "s3://other/kept/"}, "must lie below one of s3_prefixes"),
        ({**STORE, "kept_folder": "s3://clinic/kept/", "only_elements": True}, "keeps whole resources"),
        ({"read_from": "export", "work_folder": "/work", "key_list": "a"}, "set read_from to search"),
        (
            {"read_from": "kept", "kept_folder": "/k", "window_start": "2026-01-01", "window_end": "2026-01-02"},
            "leave window_start and window_end empty",
        ),
        ({"vanished": "remove", "kept_folder": "/kept"}, "kept_folder would bring back"),
        ({"only_elements": True, "kept_folder": "/kept"}, "keeps whole resources"),
        ({"type_filters": ("observation?status=final",)}, "type_filters: give texts such as"),
        ({"resource_types": "Patient;Claim"}, "resource_types"),
        ({"resource_types": "../Patient"}, "resource_types"),
        ({"overlap_s": -1}, "overlap_s"),
        ({"export_group": "a/b"}, "export_group"),
        ({"shoesize": 44}, "shoesize"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(given: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        FhirViewSettings(**given)


@pytest.mark.parametrize("folder", ["/kept", "s3://clinic/kept", "s3://clinic/kept/", "s3://clinic/kept/fhir"])
def test_what_is_kept_may_be_on_disk_or_in_s3(folder: str) -> None:
    found = FhirViewSettings(**STORE, kept_folder=folder, when_views_change="rebuild").kept_folder
    assert found == (folder if folder.startswith("s3:") else Path(folder))


def test_types_may_be_separated_with_and_without_a_blank() -> None:
    assert FhirViewSettings(resource_types="Patient,Claim, Group").chosen_types == {"Patient", "Claim", "Group"}
    assert FhirViewSettings().chosen_types is None


def test_one_thread_is_the_default_and_processes_are_asked_for() -> None:
    assert (FhirViewSettings().engine().workers, FhirViewSettings().engine().worker_kind) == (1, "threads")
    assert FhirViewSettings(worker_kind="processes", workers=3).engine().worker_kind == "processes"


@pytest.mark.parametrize(
    "name",
    [
        "source_conn_id",
        "view_folder",
        "views",
        "type_filters",
        "kept_folder",
        "work_folder",
        "export_group",
        "s3_conn_id",
        "s3_prefixes",
    ],
)
def test_who_may_trigger_a_run_may_not_choose_what_the_server_reads(name: str) -> None:
    assert FhirViewSettings.model_fields[name].json_schema_extra is None
