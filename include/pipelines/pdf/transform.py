"""From a located document to its rows, in a worker process that may be killed over it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from include.connections.files.location import RemoteFile
from include.engine.divided import Divided
from include.engine.errors import RecordRejected, SettingsError
from include.engine.model import NotedRows, Record, Row
from include.engine.ports import Transform
from include.engine.process_transform import ProcessTransform
from include.pipelines.pdf.content.open_content import Content, open_content
from include.pipelines.pdf.content.work import DocumentWork
from include.pipelines.pdf.extract.language import guess_language, sample
from include.pipelines.pdf.extract.page import Document
from include.pipelines.pdf.extract.pdfium import PdfiumDocument
from include.pipelines.pdf.ocr.cache import OcrCache
from include.pipelines.pdf.ocr.pages import OcrRules, PageReader, wants_ocr
from include.pipelines.pdf.ocr.tesseract import find_tesseract
from include.pipelines.pdf.ranges import divided
from include.pipelines.pdf.rows import DOCUMENTS, PAGES, DocumentRow

MIB = 1024 * 1024

OCR_PART_PAGES = 20
"""Fewest pages of a range of a scanned document: OCR of a page takes a thousand times as long as reading its text."""

FOR_FALLBACK = {"pdf.broken", "pdf.broken_page", "pdf.no_pages", "pdf.encryption"}
"""What the other library may be able to read."""

_HTML = (b"<!doctype html", b"<html", b"<?xml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a document may be."""

    max_bytes: int = 512 * MIB
    max_pages: int = 10_000
    max_characters: int = 20_000_000
    """Of text: the rows of a document are in memory at once, in its worker process and in the task."""
    part_pages: int = 500
    """Fewest pages of a range that a worker process reads for itself."""
    most_parts: int = 1
    """Ranges of a document; 1 reads every document whole."""


class PdfTransform:
    """Reads a document page by page. Threads that share it take turns: PDFium is not thread-safe."""

    def __init__(self, limits: Limits, rules: OcrRules, *, fallback: bool = False) -> None:
        self._limits = limits
        self._rules = rules
        self._fallback = _load_fallback() if fallback else None
        self._tesseract = find_tesseract() if rules.mode != "never" else None
        self._cache = None
        if rules.cache_folder is not None and self._tesseract is not None:
            self._cache = OcrCache(Path(rules.cache_folder), self._tesseract.version)
        self._turn = threading.Lock()

    def __call__(self, record: Record) -> NotedRows | Divided:
        """The document's row and those of its pages, or of the range of pages that is asked for.

        A large document is divided into such ranges. It settles whole.

        Raises `TransientError`, and `RecordRejected`: `file.missing`, `file.denied`, `file.source_changed`,
        `file.refused`, `pdf.too_large`, `pdf.empty`, `pdf.not_a_pdf`, `pdf.password`, `pdf.encryption`, `pdf.broken`,
        `pdf.broken_page`, `pdf.no_pages`, `pdf.too_many_pages`, `pdf.page_too_large`, `pdf.too_much_text`.
        """
        work: DocumentWork = record.payload
        began = time.perf_counter()
        with self._turn, open_content(work.location, self._limits.max_bytes) as content:
            _check_head(content)
            try:
                with PdfiumDocument(content.path) as document:
                    self._check_pages(document)
                    return self._parts(work, document) or self._rows(work, content, document, began)
            except RecordRejected as refusal:
                if self._fallback is None or refusal.code not in FOR_FALLBACK:
                    raise
            return self._rows(work, content, self._fallback(content.file), began)

    def _parts(self, work: DocumentWork, document: PdfiumDocument) -> Divided | None:
        limits, pages = self._limits, len(document)
        part_pages = limits.part_pages
        may_be_divided = work.pages is None and limits.most_parts > 1 and pages >= 2 * OCR_PART_PAGES
        if may_be_divided and self._is_for_ocr(document, work.language):
            part_pages = min(part_pages, OCR_PART_PAGES)
        return divided(work, pages, part_pages, limits.most_parts, limits.max_characters)

    def _is_for_ocr(self, document: PdfiumDocument, language: str | None) -> bool:
        """Whether most of the work will be OCR, as the first page, the middle one and the last one tell."""
        tesseract, rules = self._tesseract, self._rules
        if tesseract is None or not tesseract.knows(language or rules.language):
            return False
        return rules.mode == "always" or all(
            _wants_ocr(document, index) for index in (0, len(document) // 2, len(document) - 1)
        )

    def _check_pages(self, document: Document) -> None:
        if len(document) > self._limits.max_pages:
            raise RecordRejected(
                "pdf.too_many_pages", f"{len(document)} pages, {self._limits.max_pages} are allowed: raise max_pages"
            )

    def _rows(self, work: DocumentWork, content: Content, document: Document, began: float) -> NotedRows:
        self._check_pages(document)
        first, last = work.pages or (0, len(document))
        if last > len(document):
            raise RecordRejected("pdf.broken", f"{document.extractor} finds {len(document)} of at least {last} pages")
        reader = PageReader(self._rules, self._tesseract, self._cache, content.sha256, work.language)
        pages: list[Row] = []
        characters = 0
        for number, opened in enumerate(islice(document.pages(), first, last), first + 1):
            with opened as page:
                found = reader.read(page, number)
            characters += len(found.text)
            if characters > self._limits.max_characters:
                allowed = self._limits.max_characters
                message = f"more than {allowed} characters up to page {number}: raise max_characters"
                raise RecordRejected("pdf.too_much_text", message)
            pages.append((work.document_uuid, number, found.text, found.source, len(found.text), found.image_share))
        row: Row = DocumentRow(
            document_uuid=work.document_uuid,
            project_uuid=work.project_uuid,
            file_path=work.file_path,
            bytes=content.size,
            sha256=content.sha256,
            pages=len(pages),
            characters=characters,
            language=guess_language(sample(text for _, _, text, *_ in pages)),
            extractor=document.extractor,
            ocr_pages=reader.notes["ocr pages"],
            needs_ocr_pages=reader.notes["needs_ocr pages"],
            seconds=round(time.perf_counter() - began, 4),
            metadata=work.metadata,
            etag=work.location.etag if isinstance(work.location, RemoteFile) else None,
        )
        rows = NotedRows({DOCUMENTS: [row], PAGES: pages}, warnings={n: c for n, c in reader.notes.items() if c})
        rows.is_partial = reader.goes_on
        return rows


def _load_fallback() -> Callable[[BinaryIO], Document]:
    try:
        # Not for every worker process: it is slow to load, and hardly ever asked for.
        from include.pipelines.pdf.extract.fallback import PypdfDocument  # noqa: PLC0415 - as the line above says
    except ImportError:
        raise SettingsError("fallback_extractor needs the package pypdf, which is not installed") from None
    return PypdfDocument


def _check_head(content: Content) -> None:
    if not content.size:
        raise RecordRejected("pdf.empty", "the file has no bytes")
    # Within the first KiB, as every reader of PDF looks for it.
    if b"%PDF-" in content.head:
        return
    looks_like = "it begins as HTML or XML does, an error page perhaps" if _is_markup(content.head) else "no PDF header"
    raise RecordRejected("pdf.not_a_pdf", looks_like)


def _is_markup(head: bytes) -> bool:
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_HTML)


def _wants_ocr(document: PdfiumDocument, index: int) -> bool:
    with document.page(index) as page:
        return wants_ocr(page.text())


def process_transform(
    limits: Limits, rules: OcrRules, *, fallback: bool, memory_limit_bytes: int, recycle_after: int
) -> ProcessTransform:
    """For worker processes."""
    return ProcessTransform(
        factory=f"{__name__}:load",
        config={"limits": asdict(limits), "rules": asdict(rules), "fallback": fallback},
        memory_limit_bytes=memory_limit_bytes,
        recycle_after=recycle_after,
        # The tables would bring SQLAlchemy: more than half of the time and memory that a process takes to start.
        fits_itself=False,
    )


def load(config: Mapping[str, Any]) -> Transform:
    """The factory of `process_transform`."""
    return PdfTransform(Limits(**config["limits"]), OcrRules(**config["rules"]), fallback=config["fallback"])
