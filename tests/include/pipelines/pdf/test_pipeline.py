from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from include.engine.errors import BatchStopped, SettingsError
from include.engine.model import Batch, KeyListRange
from include.pipelines.pdf.rows import DOCUMENTS, PAGES
from include.warehouse.key_lists import store_keys
from include.warehouse.pipeline import Following, Pipeline
from tests.fixtures.pdf_files import joined_pdf, scanned_pdf, text_pdf
from tests.include.pipelines.pdf.entries import entry, key_of
from tests.include.pipelines.pdf.house import NAMES, House


def test_documents_and_pages_land_in_their_tables(house: House) -> None:
    line = house.load()
    assert (line["records_written"], line["rows_written"]) == (3, 9)
    assert {row["file_path"]: row["metadata"] for row in house.rows(DOCUMENTS)} == {
        name: f'{{"of": "{name}"}}' for name in NAMES
    }
    assert house.texts() == {f"{name} page {page}" for name in NAMES for page in (1, 2)}
    assert {row["document_uuid"] for row in house.rows(PAGES)} == {str(key_of(name)) for name in NAMES}


def test_the_unchanged_is_skipped_with_its_reason_whatever_its_date_unless_forced(house: House) -> None:
    house.load()
    os.utime(house.folder / "0.pdf", ns=(1, 1))
    again = house.load()
    assert (again["records_skipped"], again["skipped_by_reason"]) == (3, {"unchanged": 3})
    assert house.load(force=True)["records_written"] == 3


def test_changed_bytes_metadata_or_settings_are_done_again_and_a_document_that_shrank_loses_its_pages(
    house: House,
) -> None:
    house.load()
    text_pdf(house.folder / "0.pdf", ["shorter"])
    house.write_manifest([entry(name, metadata={"of": "new" if name == "1.pdf" else name}) for name in NAMES])
    again = house.load()
    assert (again["records_written"], again["records_skipped"]) == (2, 1)
    assert house.texts() == {"shorter", *(f"{name} page {page}" for name in NAMES[1:] for page in (1, 2))}
    assert house.load(ocr_language="deu")["records_written"] == 3


def test_a_limit_that_is_raised_lets_in_what_it_kept_out_and_leaves_the_rest_alone(house: House) -> None:
    text_pdf(house.folder / "1.pdf", ["page"] * 4)
    first = house.load(max_pages=3)
    assert (first["records_written"], first["rejected_by_code"]) == (2, {"pdf.too_many_pages": 1})
    again = house.load(max_pages=4)
    assert (again["records_written"], again["skipped_by_reason"]) == (1, {"unchanged": 2})


def test_rejects_are_kept_by_key_and_pages_that_need_ocr_are_counted_in_the_ledger(house: House) -> None:
    scanned_pdf(house.folder / "scan.pdf", ["x"])
    (house.folder / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    house.write_manifest([entry(name) for name in ("0.pdf", "scan.pdf", "broken.pdf", "none.pdf", "../out.pdf")])
    line = house.load(max_reject_rate=1)
    assert line["rejected_by_code"] == {"pdf.broken": 1, "file.missing": 1, "file.outside_roots": 1}
    assert line["warnings"] == {"needs_ocr pages": 1}
    with house.warehouse.connect() as connection:
        keys = connection.exec_driver_sql("SELECT record_key FROM headrace_rejects WHERE code = 'pdf.broken'").all()
    assert keys == [(str(key_of("broken.pdf")),)]


def test_a_listed_key_is_read_from_the_manifest_and_one_that_it_does_not_name_is_rejected(house: House) -> None:
    house.load()
    stranger = str(uuid.UUID(int=1))
    store_keys(house.warehouse, "mine", [str(key_of("1.pdf")), stranger])
    line = house.load(Batch(0, KeyListRange("mine", 0, 2), 2), force=True, key_list="mine", max_reject_rate=1)
    assert (line["records_written"], line["rejected_by_code"]) == (1, {"source.missing": 1})


def test_a_listed_document_that_the_manifest_names_no_more_is_rejected_and_keeps_its_pages(house: House) -> None:
    house.load()
    before = house.texts()
    house.write_manifest([entry("0.pdf")])
    store_keys(house.warehouse, "mine", [str(key_of("1.pdf"))])
    line = house.load(Batch(0, KeyListRange("mine", 0, 1), 1), key_list="mine", max_reject_rate=1)
    assert line["rejected_by_code"] == {"source.missing": 1}
    assert house.texts() == before


def test_batches_read_the_manifest_as_it_was_planned(house: House) -> None:
    (batch,) = house.pipeline().plan(100)
    house.write_manifest([])
    assert house.load(batch)["records_written"] == 3


def test_a_plan_lists_every_fault_and_starts_nothing(house: House) -> None:
    house.write_manifest([entry("0.pdf"), {}, entry("0.pdf")])
    with pytest.raises(
        SettingsError, match=r"line 2: document_uuid is missing; .*line 3: document_uuid is that of line 1"
    ):
        house.pipeline().plan(100)


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"manifest": "../manifest.ndjson"}, r"manifest: file\.outside_roots"),
        ({"manifest": "none.ndjson"}, r"manifest: file\.missing"),
        ({"work_folder": None}, "work_folder must be"),
        ({"text_files": True, "text_folder": "/nowhere/at/all"}, "text_folder must be"),
        ({"manifest": "s3://cases/incoming/"}, "manifest: it is in S3, set s3_conn_id"),
    ],
)
def test_a_run_says_what_is_wrong_with_its_settings_before_it_starts(
    house: House, settings: dict[str, Any], fault: str
) -> None:
    with pytest.raises(SettingsError, match=fault):
        house.pipeline(**settings).plan(100)


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"manifest": "none.ndjson"}, r"manifest: file\.missing"),
        ({}, "line 2: document_uuid is missing"),
        ({"text_files": True, "text_folder": "/nowhere/at/all"}, "text_folder must be"),
    ],
)
def test_a_run_over_listed_keys_can_look_at_its_manifest_first(
    house: House, settings: dict[str, Any], fault: str
) -> None:
    house.pipeline().check()
    house.write_manifest([entry("0.pdf"), {}])
    with pytest.raises(SettingsError, match=fault):
        house.pipeline(key_list="mine", **settings).check()


def test_the_fingerprint_is_that_of_what_decides_the_rows(house: House) -> None:
    same = [
        house.pipeline(),
        house.pipeline(workers=5, roots=(house.folder, house.folder)),
        house.pipeline(batch_size=7),
    ]
    assert len({one.fingerprint for one in same}) == 1
    others = [
        {"ocr": "auto"},
        {"ocr_language": "deu"},
        {"max_pages": 9},
        {"fallback_extractor": True},
        {"ocr_dpi": 300},
    ]
    assert len({house.pipeline(**other).fingerprint for other in others} | {same[0].fingerprint}) == len(others) + 1
    assert len(same[0].fingerprint) == 64


def test_what_needs_ocr_is_read_once_ocr_is_installed(
    house: House, program: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    scanned_pdf(house.folder / "0.pdf", ["x"])
    house.write_manifest([entry("0.pdf")])
    with monkeypatch.context() as without:
        without.setenv("PATH", str(tmp_path))
        assert house.load(ocr="auto")["warnings"] == {"needs_ocr pages": 1, "ocr_not_installed pages": 1}
        assert house.load(ocr="auto")["records_skipped"] == 1
    program("echo found")
    assert house.load(ocr="auto")["warnings"] == {"ocr pages": 1}
    assert house.texts() == {"found"}


def test_a_scan_that_takes_longer_than_a_run_allows_is_gone_on_with_in_the_next(
    house: House, program: Callable[[str], Path], tmp_path: Path
) -> None:
    program("sleep 0.3; echo found")
    pages = [scanned_pdf(tmp_path / f"{number}.pdf", [str(number)]) for number in range(3)]
    joined_pdf(house.folder / "0.pdf", pages)
    house.write_manifest([entry("0.pdf")])
    left = []
    for _ in range(9):
        line = house.load(ocr="auto", ocr_max_seconds=0.5, ocr_cache_folder=tmp_path / "cache")
        if line["records_skipped"]:
            break
        left.append(line["warnings"].get("ocr_out_of_time pages", 0))
    assert left == sorted(left, reverse=True)
    assert (left[0] > 0, left[-1]) == (True, 0)
    assert [row["source"] for row in house.rows(PAGES)] == ["ocr"] * 3


def test_it_is_a_pipeline_of_the_house(house: House) -> None:
    pipeline: Pipeline = house.pipeline()
    assert not pipeline.reads_everything
    assert pipeline.watermark() is None
    assert "manifest.ndjson" in pipeline.scope()
    assert isinstance(pipeline, Following)


def test_a_pipeline_that_is_told_to_stop_asks_for_no_more_listed_keys(house: House) -> None:
    house.load()
    store_keys(house.warehouse, "mine", [str(key_of("1.pdf"))])
    pipeline, stop = house.pipeline(key_list="mine"), threading.Event()
    pipeline.obey(stop)
    stop.set()
    with pytest.raises(BatchStopped, match="list of keys"):
        next(pipeline.source().read(Batch(0, KeyListRange("mine", 0, 1), 1)))
