from __future__ import annotations

from pathlib import Path

import pytest

from include.connections.files.location import RemoteFile
from include.engine.errors import RecordRejected
from include.pipelines.pdf.content.work import DocumentWork
from include.pipelines.pdf.processing import process_pdf_batch
from include.pipelines.pdf.ranges import divided, merged
from include.pipelines.pdf.settings import PdfSettings
from include.pipelines.pdf.tables import DOCUMENTS, PAGES
from tests.fixtures.pdf_files import scanned_pdf, text_pdf
from tests.include.pipelines.pdf.entries import document
from tests.include.pipelines.pdf.house import House

WORK = DocumentWork("a", "b", "c.pdf", None, None, RemoteFile("https://store.example/", '"x"', 5))


@pytest.mark.parametrize(
    ("pages", "most_parts", "ranges"),
    [
        (1000, 2, [(0, 500), (500, 1000)]),
        (1000, 8, [(0, 500), (500, 1000)]),
        (5280, 3, [(0, 1760), (1760, 3520), (3520, 5280)]),
        (1999, 8, [(0, 667), (667, 1334), (1334, 1999)]),
        (999, 8, None),
        (5280, 1, None),
    ],
)
def test_a_large_document_is_divided_among_the_workers(
    pages: int, most_parts: int, ranges: list[tuple[int, int]] | None
) -> None:
    found = divided(WORK, pages, 500, most_parts, 10**6)
    assert (found and [part.pages for part in found.parts]) == ranges


def test_a_part_is_not_divided_again() -> None:
    found = divided(WORK, 1000, 500, 2, 10**6)
    assert found is not None
    assert divided(found.parts[0], 1000, 500, 2, 10**6) is None


def test_a_document_read_in_ranges_is_the_one_that_is_read_whole(folder: Path) -> None:
    text_pdf(folder / "a.pdf", [[f"page {page}", "of the river and the mill"] for page in range(1, 24)])
    found = []
    for part_pages in (5, 500):
        rows: dict[str, object] = {}
        settings = PdfSettings(roots=(folder,), ocr="never", part_pages=part_pages)
        process_pdf_batch(
            [document("a.pdf")], 3, settings=settings, deliver=lambda _, given, into=rows: into.update(given)
        )
        found.append(rows)
    (ranged,), (whole,) = (one[DOCUMENTS] for one in found)
    assert found[0][PAGES] == found[1][PAGES]
    seconds = 11
    assert ranged[:7] == whole[:7]
    assert ranged[8:seconds] == whole[8:seconds]
    assert ranged[seconds + 1 :] == whole[seconds + 1 :]


def test_what_the_parts_noticed_adds_up_in_the_ledger(house: House) -> None:
    scanned_pdf(house.folder / "scan.pdf", ["x"])
    line = house.load(part_pages=1, workers=2)
    assert (line["records_written"], line["rows_written"]) == (3, 9)
    assert line["rejected_by_code"] in (None, {})


def test_limits_hold_for_the_whole_document(folder: Path) -> None:
    text_pdf(folder / "a.pdf", ["x" * 10] * 10)
    settings = PdfSettings(roots=(folder,), ocr="never", part_pages=1, max_characters=50)
    statistics = process_pdf_batch([document("a.pdf")], 2, settings=settings)
    assert [result.code for result in statistics.results] == ["pdf.too_much_text"]
    with pytest.raises(RecordRejected, match=r"pdf\.too_much_text"):
        merged([{DOCUMENTS: [(0,) * 14], PAGES: []}, {DOCUMENTS: [(1,) * 14], PAGES: []}], max_characters=0)
