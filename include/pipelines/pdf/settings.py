"""Settings of the PDF pipeline, on top of those that every pipeline shares."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Self
from uuid import UUID

from pydantic import Field, model_validator

from include.connections.files.settings import FileSettings, S3Uri
from include.engine.process_transform import ProcessTransform
from include.engine.settings import EngineSettings
from include.pipelines.pdf.manifest.model import LANGUAGE_PATTERN
from include.pipelines.pdf.manifest.reading import is_manifest_name
from include.pipelines.pdf.ocr.pages import OcrMode, OcrRules
from include.pipelines.pdf.transform import Limits, process_transform
from include.warehouse.run_settings import PARAM

MIB = 1024 * 1024

IN_FLIGHT = 16
"""Documents a worker that are read ahead of it: a link to an object ages while its document waits."""

OCR_SECONDS = 300.0
"""Of a document, where neither its time is bounded nor that of OCR."""


class PdfSettings(FileSettings):
    """Which documents are read, and how."""

    folder_settings: ClassVar[tuple[str, ...]] = ("roots", "work_folder", "text_folder", "ocr_cache_folder")
    s3_folder_settings: ClassVar[tuple[str, ...]] = ("work_folder", "text_folder")

    manifest: str = Field(default="manifest.ndjson", min_length=1, max_length=1100, json_schema_extra=PARAM)
    """What to read: a manifest, `.json` or `.ndjson`, or a folder whose PDF files it is. A path within the allowed
    roots, or `s3://bucket/key` below an allowed prefix. Of a folder, a run reads what arrived in its window."""

    project_uuid: UUID | None = Field(default=None, json_schema_extra=PARAM)
    """Project of the documents of a folder. Empty: one that is made from the folder's name."""

    roots: tuple[Path, ...] = ()
    """Absolute paths of the folders below which manifests and documents may lie; nothing else on disk is read."""

    work_folder: S3Uri | Path | None = None
    """Absolute path, or `s3://bucket/prefix/`, of a folder that all tasks see: a run's plan keeps a pinned copy of its
    manifest there."""

    text_files: bool = Field(default=False, json_schema_extra=PARAM)
    """Write each document's text as a UTF-8 file too, `<document_uuid>.txt` in `text_folder`, pages parted by form
    feeds."""

    text_folder: S3Uri | Path | None = None
    """Absolute path, or `s3://bucket/prefix/`, of the folder of those files."""

    batch_size: int | None = Field(default=20, ge=1, le=1_000_000, json_schema_extra=PARAM)
    """Documents a mapped task, 10 to 20 as a rule. Fewer where they are large; more where a run would pass 1,000
    batches."""

    workers: int = Field(default=5, ge=1, le=64, json_schema_extra=PARAM)
    """Worker processes a mapped task; each takes about 30 MB, and a tenth of a second of CPU to start."""

    queue_records: int = Field(default=50, ge=1, le=100_000, json_schema_extra=PARAM)
    """Documents that may wait for the writer; a full queue blocks the workers."""

    insert_batch: int = Field(default=10, ge=1, le=10_000, json_schema_extra=PARAM)
    """Documents a transaction."""

    record_timeout_s: float | None = Field(default=600.0, gt=0, le=86_400, json_schema_extra=PARAM)
    """Seconds after which a document is given up and its worker process killed."""

    max_tries: int = Field(default=3, ge=1, le=20, json_schema_extra=PARAM)
    """Tries of a document that the network or the store's throttling keeps from being read."""

    ocr: OcrMode = Field(default="auto", json_schema_extra=PARAM)
    """Pages that are read by OCR: those that are hardly more than an image (`auto`), none, or all."""

    ocr_language: str = Field(default="eng", pattern=LANGUAGE_PATTERN, json_schema_extra=PARAM)
    """Language of OCR where the manifest names none, as Tesseract names it: `eng`, or `deu+fra`."""

    ocr_dpi: int = Field(default=200, ge=72, le=600)
    """Resolution in which pages are drawn for OCR."""

    ocr_max_seconds: float | None = Field(default=None, gt=0, le=86_400)
    """OCR of one document, or of one range of its pages, takes no longer: the pages that are left are marked
    `needs_ocr`, and with `ocr_cache_folder` the next run goes on with them. Empty: half of `record_timeout_s`."""

    ocr_cache_folder: Path | None = None
    """Absolute path of a folder that keeps the texts found by OCR, by content of file and page. Empty: `ocr` in a
    `work_folder` on disk, else none."""

    max_document_bytes: int = Field(default=512 * MIB, ge=1024, le=4096 * MIB)
    """Largest document."""

    max_pages: int = Field(default=10_000, ge=1, le=1_000_000)
    """Most pages of a document."""

    part_pages: int = Field(default=500, ge=1, le=1_000_000)
    """Fewest pages of a range: a document of at least twice as many is read in ranges, by all workers side by side."""

    max_characters: int = Field(default=20_000_000, ge=1, le=200_000_000)
    """Most characters of a document's text, which is in memory at once."""

    max_page_pixels: int = Field(default=25_000_000, ge=10_000, le=200_000_000)
    """Most pixels of a page that is drawn for OCR. A larger page is drawn in a lower resolution, one that has more at
    72 dpi rejects its document."""

    memory_limit_bytes: int = Field(default=1024 * MIB, ge=128 * MIB, le=64 * 1024 * MIB)
    """Address space of a worker process; a document that needs more is rejected."""

    recycle_after: int = Field(default=500, ge=1, le=1_000_000)
    """Documents after which a worker process is replaced by a fresh one."""

    fallback_extractor: bool = False
    """Try pypdf, slower, with documents that PDFium refuses."""

    @model_validator(mode="after")
    def _texts_have_a_folder(self) -> Self:
        if self.text_files and self.text_folder is None:
            raise ValueError("text_files needs text_folder")
        return self

    @model_validator(mode="after")
    def _ocr_ends_in_time(self) -> Self:
        longest_s, timeout_s = self.ocr_max_seconds, self.record_timeout_s
        if longest_s is not None and timeout_s is not None and self.ocr != "never" and longest_s >= timeout_s:
            raise ValueError("ocr_max_seconds must lie below record_timeout_s, or documents are lost for their scans")
        return self

    @model_validator(mode="after")
    def _only_folders_tell_dates(self) -> Self:
        if self.window_start is not None and is_manifest_name(self.manifest):
            raise ValueError("window_start and window_end: a manifest has no change dates, leave them empty")
        return self

    @property
    def skip_unchanged(self) -> bool:
        """Documents whose bytes, metadata and settings are what was loaded are left alone."""
        return True

    def engine(self) -> EngineSettings:
        """With worker processes. A document waits as a reference, so its bytes bind no memory before its turn."""
        return replace(
            super().engine(),
            worker_kind="processes",
            in_flight=IN_FLIGHT * self.workers,
            in_flight_bytes=4096 * MIB,
        )

    def limits(self) -> Limits:
        """What a document may be."""
        return Limits(
            max_bytes=self.max_document_bytes,
            max_pages=self.max_pages,
            max_characters=self.max_characters,
            part_pages=self.part_pages,
            most_parts=self.workers,
        )

    def ocr_rules(self) -> OcrRules:
        """When and how pages are read by OCR."""
        longest_s = self.ocr_max_seconds
        if longest_s is None:
            longest_s = OCR_SECONDS if self.record_timeout_s is None else self.record_timeout_s / 2
        cache = self.ocr_cache_folder
        if cache is None and isinstance(self.work_folder, Path):
            cache = self.work_folder / "ocr"
        return OcrRules(
            mode=self.ocr,
            language=self.ocr_language,
            dpi=self.ocr_dpi,
            max_pixels=self.max_page_pixels,
            max_seconds=longest_s,
            cache_folder=None if cache is None else str(cache),
        )

    def transform(self) -> ProcessTransform:
        """Opens and reads, in worker processes only: PDFium may crash, hang, or take all memory."""
        return process_transform(
            self.limits(),
            self.ocr_rules(),
            fallback=self.fallback_extractor,
            memory_limit_bytes=self.memory_limit_bytes,
            recycle_after=self.recycle_after,
        )
