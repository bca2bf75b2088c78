from __future__ import annotations

from pathlib import Path

import pypdfium2

from include.pipelines.pdf.manifest.reading import Manifest
from include.pipelines.pdf.processing import process_document_manifest
from include.pipelines.pdf.settings import PdfSettings
from include.sandbox.documents import document_key, document_lines, write_documents
from include.sandbox.pdf_writer import text_pdf


def test_a_sample_is_what_it_says_it_is(tmp_path: Path) -> None:
    sample = write_documents(tmp_path / "documents", 8, scanned=2, broken=1)
    summary = Manifest(sample.manifest).check()
    assert (summary.id, summary.documents, summary.bytes) == ("sandbox", 8, sample.total_bytes)
    settings = PdfSettings(roots=(sample.manifest.parent,), ocr="never", max_reject_rate=1)
    found = process_document_manifest(sample.manifest, 10, 2, settings=settings).to_json()
    assert (found["succeeded"], found["failed"], found["pages"]) == (7, 1, sample.pages)
    assert found["needs_ocr_pages"] == sample.scanned == 2


def test_the_same_seed_gives_the_same_documents(tmp_path: Path) -> None:
    first, again, other = (write_documents(tmp_path / str(at), 3, seed=seed) for at, seed in enumerate((1, 1, 2)))
    texts = [
        [(sample.manifest.parent / f"{at}.pdf").read_bytes() for at in range(3)] for sample in (first, again, other)
    ]
    assert texts[0] == texts[1] != texts[2]
    assert document_lines(5)[0][0] == "Document 5 of the case, page 1"
    assert document_key(5) != document_key(6)


def test_text_is_found_again_as_it_was_written() -> None:
    lines = ["(brackets) and \\ and caf\u00e9", "second line"]
    with pypdfium2.PdfDocument(text_pdf([lines, ["second page"]])) as document:
        texts = [page.get_textpage().get_text_range() for page in document]
    assert [text.splitlines() for text in texts] == [lines, ["second page"]]
