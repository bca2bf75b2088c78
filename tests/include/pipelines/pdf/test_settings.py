from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from include.pipelines.pdf.settings import PdfSettings


def test_the_engine_works_in_processes_and_file_sizes_hold_nothing_up() -> None:
    engine = PdfSettings(workers=3).engine()
    assert (engine.worker_kind, engine.workers, engine.record_timeout_s) == ("processes", 3, 600)
    assert engine.in_flight == 48
    assert engine.in_flight_bytes >= PdfSettings().max_document_bytes * engine.workers


def test_limits_and_rules_of_ocr_are_the_settings() -> None:
    settings = PdfSettings(
        max_document_bytes=2000,
        max_pages=3,
        max_characters=4,
        ocr="always",
        ocr_language="deu",
        ocr_cache_folder=Path("/cache"),
    )
    limits, rules = settings.limits(), settings.ocr_rules()
    assert (limits.max_bytes, limits.max_pages, limits.max_characters) == (2000, 3, 4)
    assert (rules.mode, rules.language, rules.cache_folder) == ("always", "deu", "/cache")
    assert rules.max_pixels == 25_000_000


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"roots": ("documents",)}, "roots, work_folder, text_folder and ocr_cache_folder must be absolute"),
        ({"work_folder": "work"}, "roots, work_folder, text_folder and ocr_cache_folder must be absolute"),
        ({"s3_prefixes": ("s3://cases/",)}, "need s3_conn_id"),
        ({"work_folder": "s3://cases/work/"}, "need s3_conn_id"),
        ({"s3_prefixes": ("cases/",), "s3_conn_id": "store"}, "s3_prefixes"),
        ({"text_files": True}, "text_files needs text_folder"),
        ({"project_uuid": "x"}, "project_uuid"),
        ({"record_timeout_s": 60, "ocr_max_seconds": 60}, "ocr_max_seconds must lie below record_timeout_s"),
        ({"window_start": "2025-01-01", "window_end": "2025-01-02"}, "a manifest has no change dates"),
        ({"ocr_language": "eng; rm"}, "ocr_language"),
        ({"workers": 0}, "workers"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(given: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        PdfSettings(**given)


@pytest.mark.parametrize(
    ("given", "seconds"), [({}, 300), ({"record_timeout_s": 60}, 30), ({"record_timeout_s": None}, 300)]
)
def test_ocr_has_half_of_a_documents_time_unless_told_otherwise(given: dict[str, Any], seconds: float) -> None:
    assert PdfSettings(**given).ocr_rules().max_seconds == seconds
    assert PdfSettings(**given, ocr_max_seconds=7).ocr_rules().max_seconds == 7


@pytest.mark.parametrize(
    ("given", "folder"),
    [
        ({}, None),
        ({"work_folder": "/work_folder"}, "/work_folder/ocr"),
        ({"work_folder": "/work_folder", "ocr_cache_folder": "/cache"}, "/cache"),
        ({"work_folder": "s3://cases/work/", "s3_conn_id": "store"}, None),
    ],
)
def test_what_ocr_found_is_kept_in_a_work_folder_on_disk_unless_told_otherwise(
    given: dict[str, Any], folder: str | None
) -> None:
    assert PdfSettings(**given).ocr_rules().cache_folder == folder


def test_without_ocr_or_deadline_the_two_times_do_not_concern_each_other() -> None:
    assert PdfSettings(record_timeout_s=60, ocr_max_seconds=60, ocr="never").record_timeout_s == 60
    assert PdfSettings(record_timeout_s=None, ocr_max_seconds=60).record_timeout_s is None


def test_a_folder_has_dates_a_manifest_has_none() -> None:
    window = {"window_start": "2025-01-01", "window_end": "2025-01-02"}
    assert PdfSettings(manifest="s3://cases/incoming/", **window).window_start is not None


def test_a_folder_is_a_path_or_an_uri() -> None:
    settings = PdfSettings(work_folder="/work_folder", text_folder="s3://cases/texts/", s3_conn_id="store")
    assert (settings.work_folder, settings.text_folder) == (Path("/work_folder"), "s3://cases/texts/")


@pytest.mark.parametrize(
    "name", ["roots", "work_folder", "text_folder", "ocr_cache_folder", "s3_conn_id", "s3_prefixes"]
)
def test_who_may_trigger_a_run_may_not_choose_a_folder(name: str) -> None:
    assert PdfSettings.model_fields[name].json_schema_extra is None
