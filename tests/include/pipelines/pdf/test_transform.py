from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from include.engine.errors import RecordRejected
from include.engine.model import NotedRows, Record
from include.pipelines.pdf.extract.pdfium import PdfiumDocument
from include.pipelines.pdf.ocr.pages import OcrRules
from include.pipelines.pdf.rows import DOCUMENTS, PAGES, DocumentRow
from include.pipelines.pdf.tables import pdf_target
from include.pipelines.pdf.transform import Limits, PdfTransform, process_transform
from include.warehouse.fit import Fitter
from tests.fixtures.pdf_files import bomb_pdf, encrypted_pdf, mapped_pdf, scanned_pdf, text_pdf
from tests.include.pipelines.pdf.entries import PROJECT, key_of, needs_tesseract

ROOT = Path(__file__).resolve().parents[4]
MakeRecord = Callable[..., Record]
SECRET = "a secret of the applicant"


def transform(fallback: bool = False, rules: OcrRules | None = None, **limits: int) -> PdfTransform:
    return PdfTransform(Limits(**limits), rules or OcrRules(mode="never"), fallback=fallback)


def document_of(rows: NotedRows) -> dict[str, Any]:
    (row,) = rows[DOCUMENTS]
    return DocumentRow(*row)._asdict()


def test_a_document_gives_its_row_and_one_a_page(folder: Path, record: MakeRecord) -> None:
    path = text_pdf(folder / "a.pdf", ["The mill and the river " * 5, "second", ""])
    rows = transform()(record("a.pdf", metadata={"case": 7}))
    found = document_of(rows)
    assert found.pop("seconds") > 0
    assert found == {
        "document_uuid": str(key_of("a.pdf")),
        "project_uuid": str(PROJECT),
        "file_path": "a.pdf",
        "bytes": path.stat().st_size,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "pages": 3,
        "characters": 114 + 6,
        "language": "en",
        "extractor": PdfiumDocument.extractor,
        "ocr_pages": 0,
        "needs_ocr_pages": 0,
        "metadata": '{"case": 7}',
        "etag": None,
    }
    key = str(key_of("a.pdf"))
    assert rows[PAGES] == [
        (key, 1, ("The mill and the river " * 5).strip(), "text", 114, 0.0),
        (key, 2, "second", "text", 6, 0.0),
        (key, 3, "", "text", 0, 0.0),
    ]
    assert Fitter(pdf_target(), "mssql")(rows, key).keys() == {DOCUMENTS, PAGES}


def html(path: Path) -> None:
    path.write_text(f"\ufeff<!DOCTYPE html><html><body>{SECRET}</body></html>")


def truncated(path: Path) -> None:
    whole = text_pdf(path, [SECRET] * 20).read_bytes()
    path.write_bytes(whole[: len(whole) // 3])


def encrypted(path: Path) -> None:
    encrypted_pdf(path, text_pdf(path.with_suffix(".open"), [SECRET]), "x")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_bytes(b""), "pdf.empty: the file has no bytes"),
        (html, "pdf.not_a_pdf: it begins as HTML or XML does, an error page perhaps"),
        (lambda path: path.write_bytes(SECRET.encode() * 100), "pdf.not_a_pdf: no PDF header"),
        (lambda path: path.write_bytes(b"%PDF-1.7\n" + SECRET.encode()), "pdf.broken: its structure cannot be read"),
        (truncated, "pdf.broken: its structure cannot be read, not even repaired"),
        (encrypted, "pdf.password: it opens with a password only"),
    ],
)
def test_what_cannot_be_read_is_rejected_with_its_cause_and_nothing_of_its_content(
    folder: Path, record: MakeRecord, make: Callable[[Path], Any], message: str
) -> None:
    make(folder / "a.pdf")
    with pytest.raises(RecordRejected) as caught:
        transform()(record("a.pdf"))
    assert str(caught.value).startswith(message)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_file_that_only_lost_its_index_is_repaired(folder: Path, record: MakeRecord) -> None:
    path = text_pdf(folder / "a.pdf", ["still here"])
    path.write_bytes(re.sub(rb"startxref\n\d+", b"startxref\n7", path.read_bytes()))
    assert transform()(record("a.pdf"))[PAGES][0][2] == "still here"


def test_a_document_that_opens_with_an_empty_password_is_read(folder: Path, record: MakeRecord) -> None:
    encrypted_pdf(folder / "a.pdf", text_pdf(folder / "open.pdf", ["for everybody"]), "")
    assert transform()(record("a.pdf"))[PAGES][0][2] == "for everybody"


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"max_bytes": 100}, "pdf.too_large"),
        ({"max_pages": 2}, "pdf.too_many_pages"),
        ({"max_characters": 14}, "pdf.too_much_text"),
    ],
)
def test_each_limit_has_a_reject_of_its_own_that_names_what_is_allowed(
    folder: Path, record: MakeRecord, limits: dict[str, int], code: str
) -> None:
    text_pdf(folder / "a.pdf", ["12345"] * 3)
    transform(max_pages=3, max_characters=15)(record("a.pdf"))
    with pytest.raises(RecordRejected) as caught:
        transform(**limits)(record("a.pdf"))
    assert caught.value.code == code
    assert str(next(iter(limits.values()))) in caught.value.message


def test_three_thousand_pages_come_in_order(folder: Path, record: MakeRecord) -> None:
    text_pdf(folder / "a.pdf", (f"page {number}" for number in range(1, 3001)))
    rows = transform()(record("a.pdf"))
    assert [(row[1], row[2]) for row in rows[PAGES]] == [(n, f"page {n}") for n in range(1, 3001)]
    assert document_of(rows)["pages"] == 3000


def test_a_page_of_blanks_that_unpacks_to_a_thousandfold_is_read(folder: Path, record: MakeRecord) -> None:
    assert bomb_pdf(folder / "a.pdf", 8).stat().st_size < 20_000
    assert transform()(record("a.pdf"))[PAGES][0][2] == ""


def test_a_page_that_is_too_large_to_draw_rejects_only_where_ocr_would_draw_it(
    folder: Path, record: MakeRecord, program: Callable[[str], Path]
) -> None:
    program("echo found")
    image = b"q 14400 0 0 14400 0 0 cm BI /W 1 /H 1 /BPC 8 /CS /G ID \x80 EI Q"
    mapped_pdf(folder / "a.pdf", image, {}, media_box=b"0 0 14400 14400")
    with pytest.raises(RecordRejected, match=r"pdf\.page_too_large"):
        transform(rules=OcrRules())(record("a.pdf"))
    rows = transform()(record("a.pdf"))
    assert (rows[PAGES][0][3], rows.warnings) == ("needs_ocr", {"needs_ocr pages": 1})


def test_a_scan_is_read_by_ocr_in_the_manifests_language_and_once(
    folder: Path, record: MakeRecord, program: Callable[[str], Path], tmp_path: Path
) -> None:
    program(f'echo "$4" >> {tmp_path}/calls; echo "words in $4"')
    scanned_pdf(folder / "a.pdf", ["x"])
    rules = OcrRules(cache_folder=str(tmp_path / "cache"))
    for _ in range(2):
        rows = transform(rules=rules)(record("a.pdf", language="deu"))
        assert rows[PAGES] == [(str(key_of("a.pdf")), 1, "words in deu", "ocr", 12, 1.0)]
        assert (document_of(rows)["ocr_pages"], rows.warnings) == (1, {"ocr pages": 1})
    assert (tmp_path / "calls").read_text() == "deu\n"


@needs_tesseract
def test_tesseract_reads_a_scan(folder: Path, record: MakeRecord) -> None:
    scanned_pdf(folder / "a.pdf", ["The water of the river", "turns the mill"])
    rows = transform(rules=OcrRules())(record("a.pdf"))
    assert rows[PAGES][0][2].split() == ["The", "water", "of", "the", "river", "turns", "the", "mill"]
    assert rows[PAGES][0][3] == "ocr"


def without_root(path: Path) -> None:
    """PDFium gives up; pypdf looks for the catalogue among all objects."""
    whole = text_pdf(path, ["found again"]).read_bytes()
    path.write_bytes(whole.replace(b"/Root", b"/Rooo"))


def test_the_other_library_reads_what_pdfium_refuses_where_the_setting_says_so(
    folder: Path, record: MakeRecord
) -> None:
    without_root(folder / "a.pdf")
    with pytest.raises(RecordRejected, match=r"pdf\.broken"):
        transform()(record("a.pdf"))
    rows = transform(fallback=True)(record("a.pdf"))
    assert document_of(rows)["extractor"].startswith("pypdf ")
    assert rows[PAGES] == [(str(key_of("a.pdf")), 1, "found again", "text", 11, None)]


def test_an_empty_page_that_the_other_library_cannot_draw_is_marked(
    folder: Path, record: MakeRecord, program: Callable[[str], Path]
) -> None:
    program("echo found")
    whole = text_pdf(folder / "a.pdf", ["text", ""]).read_bytes()
    (folder / "a.pdf").write_bytes(whole.replace(b"/Root", b"/Rooo"))
    rows = transform(fallback=True, rules=OcrRules())(record("a.pdf"))
    assert [row[3] for row in rows[PAGES]] == ["text", "needs_ocr"]
    assert rows.warnings == {"needs_ocr pages": 1, "ocr_not_drawn pages": 1}


def test_a_range_that_the_document_does_not_have_is_no_range_without_pages(folder: Path, record: MakeRecord) -> None:
    text_pdf(folder / "a.pdf", ["one", "two"])
    part = record("a.pdf")
    part.payload = replace(part.payload, pages=(1, 3))
    with pytest.raises(RecordRejected, match=r"pdf\.broken: .* finds 2 of at least 3 pages"):
        transform()(part)


def test_a_worker_process_does_not_load_what_tables_are_made_of() -> None:
    code = "import sys, include.pipelines.pdf.transform as _; print('sqlalchemy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_what_neither_library_reads_stays_rejected(folder: Path, record: MakeRecord) -> None:
    (folder / "a.pdf").write_bytes(b"%PDF-1.7\n" + SECRET.encode())
    with pytest.raises(RecordRejected, match=r"pdf\.broken: neither PDFium nor pypdf can read it") as caught:
        transform(fallback=True)(record("a.pdf"))
    assert SECRET not in str(caught.value)
    encrypted(folder / "b.pdf")
    with pytest.raises(RecordRejected, match=r"pdf\.password"):
        transform(fallback=True)(record("b.pdf"))


def test_worker_processes_load_the_same_transform(folder: Path, record: MakeRecord) -> None:
    text_pdf(folder / "a.pdf", ["x"])
    spec = process_transform(
        Limits(max_pages=5), OcrRules(mode="never"), fallback=True, memory_limit_bytes=2**30, recycle_after=7
    )
    assert json.loads(json.dumps(spec.config)) == spec.config
    assert spec.load()(record("a.pdf"))[PAGES] == transform()(record("a.pdf"))[PAGES]
