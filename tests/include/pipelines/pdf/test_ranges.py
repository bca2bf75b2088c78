from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from include.connections.files.location import RemoteFile
from include.engine.divided import Divided
from include.engine.errors import RecordRejected
from include.engine.model import Record, Rows
from include.pipelines.pdf.content.work import DocumentWork
from include.pipelines.pdf.ocr.pages import OcrMode, OcrRules
from include.pipelines.pdf.processing import process_pdf_batch
from include.pipelines.pdf.ranges import divided, merged
from include.pipelines.pdf.rows import DOCUMENTS, PAGES, DocumentRow
from include.pipelines.pdf.settings import PdfSettings
from include.pipelines.pdf.transform import Limits, PdfTransform
from tests.fixtures.pdf_files import joined_pdf, scanned_pdf, text_pdf
from tests.include.pipelines.pdf.child_transforms import CrashingSettings
from tests.include.pipelines.pdf.entries import document, key_of
from tests.include.pipelines.pdf.house import House

pytestmark = pytest.mark.slow

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
    found: list[dict[str, Any]] = []
    for part_pages in (5, 500):
        rows: dict[str, Any] = {}
        settings = PdfSettings(roots=(folder,), ocr="never", part_pages=part_pages)
        process_pdf_batch(
            [document("a.pdf")], 3, settings=settings, deliver=lambda _, given, into=rows: into.update(given)
        )
        found.append(rows)
    ranged, whole = (DocumentRow(*one[DOCUMENTS][0]) for one in found)
    assert found[0][PAGES] == found[1][PAGES]
    assert ranged._replace(seconds=0) == whole._replace(seconds=0)
    assert whole.language == "en"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("crashing range.pdf", "worker.crashed"),
        ("hanging range.pdf", "timeout.transform"),
        ("refused range.pdf", "pdf.broken_page"),
    ],
)
def test_a_range_that_fails_costs_its_document_alone_with_its_cause(folder: Path, name: str, code: str) -> None:
    pages = [f"page {page}" for page in range(8)]
    names = [f"{number}.pdf" for number in range(20)]
    for one in (name, *names):
        text_pdf(folder / one, pages)
    settings = CrashingSettings(roots=(folder,), ocr="never", part_pages=2, record_timeout_s=3, max_reject_rate=1)
    documents = [document(one) for one in (*names[:10], name, *names[10:])]
    delivered: dict[str, Rows] = {}
    statistics = process_pdf_batch(documents, 4, settings=settings, deliver=delivered.__setitem__)
    assert [one.code for one in statistics.results if one.outcome != "written"] == [code]
    assert set(delivered) == {str(key_of(one)) for one in names}
    assert all([row[2] for row in rows[PAGES]] == pages for rows in delivered.values())


def scan(folder: Path, scanned: int, text: int = 0) -> None:
    scanned_pdf(folder / "scan", ["x"])
    text_pdf(folder / "text", ["plain text " * 10])
    joined_pdf(folder / "a.pdf", [folder / "scan"] * scanned + [folder / "text"] * text)


@pytest.mark.parametrize(
    ("scanned", "text", "mode", "parts"),
    [
        (40, 0, "auto", 2),
        (39, 0, "auto", None),
        (39, 1, "auto", None),
        (0, 60, "always", 3),
        (0, 60, "auto", None),
        (40, 0, "never", None),
    ],
)
def test_a_scan_is_divided_where_it_is_read_by_ocr(
    folder: Path,
    record: Callable[..., Record],
    program: Callable[[str], Path],
    scanned: int,
    text: int,
    mode: OcrMode,
    parts: int | None,
) -> None:
    program("echo found")
    scan(folder, scanned, text)
    answer = PdfTransform(Limits(most_parts=4), OcrRules(mode=mode))(record("a.pdf"))
    assert (len(answer.parts) if isinstance(answer, Divided) else None) == parts


def test_a_scan_without_the_data_of_its_language_is_read_whole(
    folder: Path, record: Callable[..., Record], program: Callable[[str], Path]
) -> None:
    program("echo found")
    scan(folder, 40)
    answer = PdfTransform(Limits(most_parts=4), OcrRules())(record("a.pdf", language="fra"))
    assert not isinstance(answer, Divided)


def test_ranges_that_two_libraries_read_name_both() -> None:
    row = DocumentRow("a", "b", "c", 1, "d", 1, 1, None, "one", 0, 0, 0.5, None, None)
    other = row._replace(extractor="two")
    found = merged([{DOCUMENTS: [one], PAGES: [("a", 1, "x")]} for one in (row, other, row)], max_characters=9)
    assert found[DOCUMENTS] == [row._replace(pages=3, characters=3, extractor="one, two", seconds=1.5)]


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
