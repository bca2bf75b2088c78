"""The pipeline's work without a scheduler and without a warehouse, as plain functions."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from uuid import UUID

from include.connections.files.roots import LocalRoots, Locate
from include.engine.errors import SettingsError
from include.engine.model import Batch, InsertBatch, KeyRange, Receipt, Record, Rows, Settlement
from include.engine.run import run_batch
from include.pipelines.pdf.manifest.model import ManifestDocument
from include.pipelines.pdf.manifest.reading import Manifest
from include.pipelines.pdf.rows import DOCUMENTS, DocumentRow
from include.pipelines.pdf.settings import PdfSettings
from include.pipelines.pdf.source import record_of
from include.pipelines.pdf.statistics import DocumentResult, PdfStatistics

Deliver = Callable[[str, Rows], None]
"""Takes a document's uuid and its rows (`documents`, `document_pages`); called in one thread, a document at a time."""


def process_pdf_batch(
    documents: Sequence[ManifestDocument],
    max_workers: int,
    *,
    settings: PdfSettings | None = None,
    locate: Locate | None = None,
    deliver: Deliver | None = None,
    stop: threading.Event | None = None,
) -> PdfStatistics:
    """Read documents in `max_workers` processes; every one is in the result once, whatever it does to its process.

    Without settings, documents are files below the current folder. Raises `SettingsError` for a document that is named
    twice, `FatalError` when nothing can go on, and `BatchStopped` after `stop` was set: what was delivered by then was
    delivered once.
    """
    _check_named_once(documents)
    settings = (settings or _plain_settings(Path.cwd())).model_copy(update={"workers": max_workers})
    source = _Documents(lambda: iter(documents), locate, settings)
    return _process(source, len(documents), settings, deliver, stop)


def process_document_manifest(
    manifest: Path | str,
    batch_size: int,
    max_workers: int,
    *,
    settings: PdfSettings | None = None,
    locate: Locate | None = None,
    deliver: Deliver | None = None,
    stop: threading.Event | None = None,
) -> PdfStatistics:
    """Read the documents of a manifest, streamed, `batch_size` of them settling together.

    The whole manifest is checked first: `SettingsError` lists its faults. Worker processes start once, not once a
    batch. Without settings, documents are files below the manifest's folder. Raises as `process_pdf_batch`.
    """
    path = Path(manifest)
    settings = settings or _plain_settings(path.resolve().parent)
    settings = settings.model_copy(update={"workers": max_workers, "insert_batch": batch_size})
    entries = Manifest(path)
    count = entries.check().documents
    return _process(_Documents(entries.documents, locate, settings), count, settings, deliver, stop)


def _plain_settings(folder: Path) -> PdfSettings:
    """Files below one folder; and who calls a function counts the rejects himself."""
    return PdfSettings(roots=(folder,), max_reject_rate=1)


def _check_named_once(documents: Sequence[ManifestDocument]) -> None:
    first: dict[UUID, int] = {}
    for position, document in enumerate(documents):
        if first.setdefault(document.document_uuid, position) != position:
            before = first[document.document_uuid]
            raise SettingsError(f"documents[{position}]: document_uuid is that of documents[{before}] too")


def _process(
    source: _Documents, count: int, settings: PdfSettings, deliver: Deliver | None, stop: threading.Event | None
) -> PdfStatistics:
    began = time.perf_counter()
    sink = _Results(deliver)
    run_batch(
        Batch(0, KeyRange(None, None), count),
        source,
        settings.transform(),
        sink,
        settings.engine(),
        stop=stop or threading.Event(),
    )
    return PdfStatistics(sink.results, time.perf_counter() - began)


class _Documents:
    """A source of documents that are already known."""

    def __init__(
        self, documents: Callable[[], Iterator[ManifestDocument]], locate: Locate | None, settings: PdfSettings
    ) -> None:
        self._documents = documents
        self._locate = locate or LocalRoots(settings.roots)
        self._max_bytes = settings.max_document_bytes

    def read(self, batch: Batch) -> Iterator[Record]:
        """All of them."""
        del batch
        return (record_of(document, self._locate, self._max_bytes) for document in self._documents())


class _Results:
    """A sink that hands the rows on and keeps what became of each document."""

    def __init__(self, deliver: Deliver | None) -> None:
        self._deliver = deliver
        self.results: list[DocumentResult] = []

    def commit(self, insert_batch: InsertBatch) -> Receipt:
        """Deliver one by one."""
        for settlement in insert_batch.settlements:
            if self._deliver is not None and settlement.rows:
                self._deliver(str(settlement.key), settlement.rows)
            self.results.append(_result(settlement))
        return Receipt.as_asked(insert_batch.settlements)

    def reset(self) -> None:
        """Nothing is held."""

    def close(self) -> None:
        """Nothing is held."""


def _result(settlement: Settlement) -> DocumentResult:
    pages = characters = ocr_pages = needs_ocr_pages = 0
    if settlement.rows:
        row = DocumentRow(*settlement.rows[DOCUMENTS][0])
        pages, characters, ocr_pages, needs_ocr_pages = row.pages, row.characters, row.ocr_pages, row.needs_ocr_pages
    return DocumentResult(
        str(settlement.key),
        str(settlement.outcome),
        settlement.code,
        settlement.message,
        pages,
        characters,
        ocr_pages,
        needs_ocr_pages,
        settlement.transform_s,
    )
