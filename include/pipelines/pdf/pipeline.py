"""The pipeline `pdf_text`: from settings to source, transform and plan."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Generator
from contextlib import AbstractContextManager
from functools import cached_property
from importlib.metadata import version

from include.connections.files.folder import FileFolder
from include.connections.files.location import LocalFile, RemoteFile
from include.connections.files.objects import ObjectStore
from include.connections.files.places import Places
from include.connections.files.roots import LocalRoots, Locate
from include.engine.model import Batch, KeyListRange, Record
from include.engine.process_transform import ProcessTransform
from include.pipelines.pdf.content.open_content import open_content
from include.pipelines.pdf.content.work import DocumentWork
from include.pipelines.pdf.extract.pdfium import PdfiumDocument
from include.pipelines.pdf.folders import pin_folder, text_folder
from include.pipelines.pdf.manifest.listing import Listing
from include.pipelines.pdf.manifest.model import ManifestDocument
from include.pipelines.pdf.manifest.opening import opened_listing
from include.pipelines.pdf.manifest.pinned import PinFolder, plan_pinned
from include.pipelines.pdf.manifest.reading import is_manifest_name
from include.pipelines.pdf.ocr.tesseract import find_tesseract
from include.pipelines.pdf.settings import PdfSettings
from include.pipelines.pdf.source import ManifestSource
from include.pipelines.pdf.tables import pdf_target
from include.pipelines.pdf.texts.render import render_texts
from include.warehouse.connection import Warehouse
from include.warehouse.key_lists import listed_keys
from include.warehouse.window import Window

NAME = "pdf_text"

MEANING = 2
"""Raised when this code gives other rows for the same document: everything is redone then."""


class PdfPipeline:
    """Built once a task; its parts are safe to use from many threads."""

    name = NAME

    def __init__(
        self,
        settings: PdfSettings,
        warehouse: Warehouse,
        locate: Locate | None = None,
        *,
        objects: ObjectStore | None = None,
        window: Window | None = None,
    ) -> None:
        """`locate` finds the documents; None finds them where the settings allow, in `objects` and below the roots.

        `window` selects among the documents of a folder. Raises `SettingsError` for roots that are not there.
        """
        self.settings = settings
        self.target = pdf_target()
        self._warehouse = warehouse
        self._key_lists = warehouse
        self._objects = objects
        self._places = Places(LocalRoots(settings.roots), objects)
        self._locate: Locate = locate or self._places
        self._window = window

    @cached_property
    def fingerprint(self) -> str:
        """Of what decides which rows a document gives, and which documents give none."""
        limits = self.settings.limits()
        parts = (self._meaning, repr((limits.max_bytes, limits.max_pages, limits.max_characters)))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    @cached_property
    def _meaning(self) -> str:
        """Of the tables, the extractor and what else decides which rows a document gives that the limits let in.

        Whether OCR is there is a part of it: once it is installed, what was marked `needs_ocr` is read.
        """
        rules = self.settings.ocr_rules()
        tesseract = find_tesseract() if rules.mode != "never" else None
        parts = (
            str(MEANING),
            self.target.signature,
            PdfiumDocument.extractor,
            version("pypdf") if self.settings.fallback_extractor else "",
            repr((rules.mode, rules.language, rules.dpi, rules.max_pixels)),
            # Not its version: an update would redo documents by the hundred thousand for a comma.
            "ocr" if tesseract is not None and tesseract.knows(rules.language) else "no ocr",
        )
        return "\n".join(parts)

    def obey(self, stop: threading.Event) -> None:
        """The warehouse may keep who reads its keys waiting."""
        self._key_lists = self._warehouse.obeying(stop)

    def source(self) -> ManifestSource:
        """Reads the pinned copy of the manifest."""
        return ManifestSource(
            self._pins, self._documents, self._locate, self._keys_of, self.settings.max_document_bytes
        )

    def transform(self) -> ProcessTransform:
        """In worker processes."""
        return self.settings.transform()

    def content_hash(self, record: Record) -> str:
        """Of the bytes of a local file, or the ETag and size of a remote one, and of what the manifest adds to them.

        Limits are no part of it: one that is raised lets in what it kept out, and concerns no document that is loaded.
        Raises as opening the document does.
        """
        work: DocumentWork = record.payload
        content = _identity(work.location, self.settings.max_document_bytes)
        parts = (self._meaning, content, work.project_uuid, work.file_path, work.language, work.metadata)
        return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()

    def scope(self) -> str:
        """What a run reads, for the log of its plan."""
        text = f"documents of manifest {self.settings.manifest}"
        if not is_manifest_name(self.settings.manifest):
            text += f", {self._window}" if self._window is not None else ", whenever they arrived"
        return f"{text}, the unchanged skipped"

    def plan(self, batch_size: int) -> list[Batch]:
        """Check folders and the whole manifest, pin a copy of it, and split that by lines.

        Raises one `SettingsError` that lists every fault of the manifest.
        """
        pins = self._pins
        if self.settings.text_files:
            self._texts()
        with self._listing() as listing:
            summary = listing.check()
            if not summary.documents:
                return []
            return plan_pinned(listing.documents(), pins, batch_size, summary.mean_bytes)

    def check(self) -> None:
        """Of folders and manifest, as `plan`; raises the same."""
        if self.settings.text_files:
            self._texts()
        with self._listing() as listing:
            listing.check()

    def after_batch(self, cycle_id: int, stop: threading.Event) -> None:
        """Render the cycle's documents as files, where the settings ask for it; raises as `render_texts`."""
        if self.settings.text_files:
            render_texts(self._warehouse, (self.name, self.target), cycle_id, self._texts(), stop)

    @property
    def reads_everything(self) -> bool:
        """A manifest is one run's work, not all documents there are."""
        return False

    def watermark(self) -> None:
        """Runs read what their manifest names."""

    @property
    def _pins(self) -> PinFolder:
        return pin_folder(self.settings.work_folder, self._objects)

    def _texts(self) -> FileFolder:
        return text_folder(self.settings.text_folder, self._objects)

    def _listing(self) -> AbstractContextManager[Listing]:
        return opened_listing(self.settings.manifest, self._places, self._window, self.settings.project_uuid)

    def _documents(self) -> Generator[ManifestDocument]:
        with self._listing() as listing:
            yield from listing.documents()

    def _keys_of(self, part: KeyListRange) -> set[str]:
        return {str(key) for key in listed_keys(self._key_lists, part)}


def _identity(location: LocalFile | RemoteFile, max_bytes: int) -> str:
    if isinstance(location, RemoteFile):
        return f"{location.etag} {location.size}"
    with open_content(location, max_bytes) as content:
        return content.sha256
