"""The pipeline `pdf_text`: from settings to source, transform and plan."""

from __future__ import annotations

import hashlib
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

from include.engine.errors import HeadraceError, SettingsError
from include.engine.model import Batch, KeyListRange, Record
from include.engine.process_transform import ProcessTransform
from include.pipelines.pdf.content.location import DocumentWork, LocalFile, RemoteFile
from include.pipelines.pdf.content.open_content import open_content
from include.pipelines.pdf.content.roots import LocalRoots, Locate
from include.pipelines.pdf.extract.pdfium import PdfiumDocument
from include.pipelines.pdf.manifest.pinned import pin_manifest, plan_pinned
from include.pipelines.pdf.manifest.reading import Manifest
from include.pipelines.pdf.ocr.tesseract import find_tesseract
from include.pipelines.pdf.settings import PdfSettings
from include.pipelines.pdf.source import ManifestSource
from include.pipelines.pdf.tables import pdf_target
from include.warehouse.connection import Warehouse
from include.warehouse.key_lists import page_keys

NAME = "pdf_text"

MEANING = 1
"""Raised when this code gives other rows for the same document: everything is redone then."""


class PdfPipeline:
    """Built once a task; its parts are safe to use from many threads."""

    name = NAME

    def __init__(self, settings: PdfSettings, warehouse: Warehouse, locate: Locate | None = None) -> None:
        """`locate` finds the documents; None finds local files below the settings' roots.

        Raises `SettingsError` for roots and folders that are not there.
        """
        self.settings = settings
        self.target = pdf_target()
        self._warehouse = warehouse
        self._roots = LocalRoots(settings.roots)
        self._locate: Locate = locate or self._roots

    @cached_property
    def fingerprint(self) -> str:
        """Of the tables, the extractor and what else decides which rows a document gives.

        Whether OCR is there is a part of it: once it is installed, what was marked `needs_ocr` is read.
        """
        limits, rules = self.settings.limits(), self.settings.ocr_rules()
        tesseract = find_tesseract() if rules.mode != "never" else None
        parts = (
            str(MEANING),
            self.target.signature,
            PdfiumDocument.extractor,
            version("pypdf") if self.settings.fallback_extractor else "",
            repr((limits.max_bytes, limits.max_pages, limits.max_characters)),
            repr((rules.mode, rules.language, rules.dpi, rules.max_pixels)),
            # Not its version: an update would redo documents by the hundred thousand for a comma.
            "ocr" if tesseract is not None and tesseract.knows(rules.language) else "no ocr",
        )
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def source(self) -> ManifestSource:
        """Reads the pinned copy of the manifest."""
        return ManifestSource(
            self._work_folder, self._manifest, self._locate, self._keys_of, self.settings.max_document_bytes
        )

    def transform(self) -> ProcessTransform:
        """In worker processes."""
        return self.settings.transform()

    def content_hash(self, record: Record) -> str:
        """Of the bytes of a local file, or the ETag and size of a remote one, and of what the manifest adds to them.

        Raises as opening the document does.
        """
        work: DocumentWork = record.payload
        content = _identity(work.location, self.settings.max_document_bytes)
        parts = (self.fingerprint, content, work.project_uuid, work.file_path, work.language, work.metadata)
        return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()

    def scope(self) -> str:
        """What a run reads, for the log of its plan."""
        return f"documents of manifest {self.settings.manifest}, the unchanged skipped"

    def plan(self, batch_size: int) -> list[Batch]:
        """Check the whole manifest, pin a copy of it, and split that by lines.

        Raises one `SettingsError` that lists every fault of the manifest.
        """
        manifest = self._manifest()
        manifest.check()
        return plan_pinned(pin_manifest(manifest, self._work_folder), batch_size)

    @property
    def reads_everything(self) -> bool:
        """A manifest is one run's work, not all documents there are."""
        return False

    def watermark(self) -> None:
        """Runs read what their manifest names."""

    @property
    def _work_folder(self) -> Path:
        folder = self.settings.work_folder
        if folder is None or not folder.is_dir():
            raise SettingsError("work_folder must be the absolute path of a folder that is there and all tasks see")
        return folder

    def _manifest(self) -> Manifest:
        try:
            return Manifest(Path(self._roots(self.settings.manifest).path))
        except HeadraceError as error:
            raise SettingsError(f"manifest: {error}") from None

    def _keys_of(self, part: KeyListRange) -> set[str]:
        return {str(key) for key in page_keys(self._warehouse, part.list_id, part.first, part.last)}


def _identity(location: LocalFile | RemoteFile, max_bytes: int) -> str:
    if isinstance(location, RemoteFile):
        return f"{location.etag} {location.size}"
    with open_content(location, max_bytes) as content:
        return content.sha256
