from __future__ import annotations

import json

from include.pipelines.pdf.ledger_statistics import run_statistics, statistics_of
from include.pipelines.pdf.statistics import PdfStatistics
from include.warehouse.runs import Run
from tests.fixtures.pdf_files import scanned_pdf
from tests.include.pipelines.pdf.entries import entry, key_of
from tests.include.pipelines.pdf.house import House


def test_a_runs_statistics_come_from_its_ledger_and_have_the_names_of_the_plain_functions(house: House) -> None:
    scanned_pdf(house.folder / "scan.pdf", ["x"])
    house.load()
    house.write_manifest([entry(name) for name in ("0.pdf", "scan.pdf", "none.pdf")])
    house.load(run="second", max_reject_rate=1)

    found = run_statistics(house.warehouse, Run("pdf_text", "pdf_documents", "d", "second"))

    assert found.keys() == PdfStatistics().to_json().keys()
    assert (found["total"], found["succeeded"], found["failed"], found["skipped"]) == (3, 2, 1, 0)
    assert (found["pages"], found["needs_ocr_pages"], found["ocr_pages"]) == (3, 1, 0)
    assert found["documents_per_hour"] > 0
    assert found["pages_per_second"] > 0
    assert {key for key, _ in found["slowest"]} <= {str(key_of(name)) for name in ("0.pdf", "scan.pdf")}
    assert found["slowest"]
    assert len(json.dumps(found)) < 1000


def test_a_batch_has_its_own(house: House) -> None:
    line = house.load()
    found = statistics_of([line])
    assert found == run_statistics(house.warehouse, Run("pdf_text", "pdf_documents", "d", "run 1"))
    assert (found["total"], found["pages"], found["seconds"] > 0) == (3, 6, True)


def test_a_run_that_is_not_there_has_zeros(house: House) -> None:
    house.load()
    found = run_statistics(house.warehouse, Run("pdf_text", "pdf_documents", "d", "none"))
    assert set(map(json.dumps, found.values())) == {"0", "0.0", "[]"}
