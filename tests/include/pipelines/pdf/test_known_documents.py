from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from include.connections.files.roots import LocalRoots
from include.engine.divided import Divided
from include.engine.model import Record
from include.pipelines.pdf.pipeline import PdfPipeline
from include.pipelines.pdf.rows import DOCUMENTS, PAGES
from include.pipelines.pdf.source import record_of
from include.pipelines.pdf.transform import PdfTransform
from tests.fixtures.pdf_files import text_pdf
from tests.include.pipelines.pdf.entries import document, entry, key_of
from tests.include.pipelines.pdf.house import House
from tests.include.pipelines.pdf.known_documents import READ, REFUSED, make_generated_set

PAGES_OF = {"text.pdf": 30, "scanned.pdf": 1, "3000.pdf": 3000, **{name: known[0] for name, known in READ.items()}}


@pytest.fixture
def settings(house: House, test_data: Path) -> dict[str, Any]:
    real = test_data / "data/pdf"
    return {"roots": (house.folder, real), "workers": 2, "memory_limit_bytes": 320 * 2**20}


def test_all_of_them_give_their_rows_or_their_rejects_in_one_run_and_no_batch_fails(
    house: House, test_data: Path, settings: dict[str, Any]
) -> None:
    generated = make_generated_set(house.folder)
    expected = dict.fromkeys(READ) | REFUSED | generated
    real = sorted(path.name for path in (test_data / "data/pdf").glob("*.pdf"))
    sizes = {path.name: path.stat().st_size for root in settings["roots"] for path in root.glob("*.pdf")}
    names = [*real, *generated]
    assert (len(real), set(names)) == (31, set(expected))
    house.write_manifest([entry(name, bytes=sizes[name]) for name in names])

    batches = house.pipeline(**settings).plan(10)
    lines = [house.load(batch, run="one", **settings) for batch in batches]

    assert len(batches) >= 4
    assert {line["state"] for line in lines} == {"succeeded"}
    assert sum(line["records_settled"] for line in lines) == len(expected)
    files = {str(key_of(name)): name for name in names}
    with house.warehouse.connect() as connection:
        rejects = connection.exec_driver_sql("SELECT record_key, code FROM headrace_rejects").all()
    assert {files[key]: code for key, code in rejects} == {name: code for name, code in expected.items() if code}
    assert {files[row["document_uuid"]]: row["pages"] for row in house.rows(DOCUMENTS)} == PAGES_OF
    pages = {(files[row["document_uuid"]], row["page"]): row for row in house.rows(PAGES)}
    assert len(pages) == sum(PAGES_OF.values())
    for name, (count, characters, needs_ocr, _, text) in READ.items():
        found = [pages[name, page] for page in range(1, count + 1)]
        assert sum(page["characters"] for page in found) == characters
        assert sum(page["source"] == "needs_ocr" for page in found) == needs_ocr
        assert any(text in page["text"] for page in found)
    assert [pages["3000.pdf", page]["text"] for page in range(1, 3001)] == [f"page {page}" for page in range(3000)]
    assert pages["scanned.pdf", 1]["source"] == "needs_ocr"


def test_the_largest_is_read_in_ranges(house: House, settings: dict[str, Any]) -> None:
    text_pdf(house.folder / "3000.pdf", (f"page {number}" for number in range(3000)))
    pipeline: PdfPipeline = house.pipeline(**settings)
    transform = PdfTransform(pipeline.settings.limits(), pipeline.settings.ocr_rules())
    record: Record = record_of(document("3000.pdf"), LocalRoots([house.folder]), 2**40)
    answer = transform(record)
    assert isinstance(answer, Divided)
    assert [part.pages for part in answer.parts] == [(0, 1500), (1500, 3000)]
