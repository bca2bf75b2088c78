"""From the entries of a manifest to records that say where the bytes are."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from include.engine.errors import FatalError, RecordRejected, TransientError
from include.engine.judge import NoAnswer
from include.engine.model import Batch, KeyListRange, LineRange, Record
from include.engine.retry import RetryPolicy
from include.pipelines.pdf.content.location import DocumentWork, Location
from include.pipelines.pdf.content.open_content import too_large
from include.pipelines.pdf.content.roots import Locate
from include.pipelines.pdf.manifest.model import ManifestDocument
from include.pipelines.pdf.manifest.pinned import read_pinned
from include.pipelines.pdf.manifest.reading import Manifest

_PATIENCE = RetryPolicy(tries=3, initial_s=0.2, max_wait_s=5.0, total_s=10.0)
"""With one document's place: the reader holds up all others meanwhile."""


def record_of(document: ManifestDocument, locate: Locate, max_bytes: int) -> Record:
    """A record without the bytes; one that cannot be located, or is too large, comes with a fault."""
    try:
        location = _patiently(locate, document.file_path)
        if location.size > max_bytes:
            raise too_large(location.size, max_bytes)
    except RecordRejected as fault:
        return Record(document.key, None, fault=fault)
    work = DocumentWork(
        document.key,
        str(document.project_uuid),
        document.file_path,
        document.language,
        document.metadata_json,
        location,
    )
    return Record(document.key, work, location.size)


def _patiently(locate: Locate, file_path: str) -> Location:
    try:
        return locate(file_path)
    except TransientError as first:
        try:
            return _PATIENCE.again(lambda: locate(file_path), first, time.sleep)
        except TransientError as last:
            raise NoAnswer("gave_up.transient", f"it could not be located: {last.message}") from None


class ManifestSource:
    """Reads the lines of a pinned manifest; or, for a list of keys, the manifest itself in one pass."""

    def __init__(
        self,
        work_folder: Path,
        manifest: Callable[[], Manifest],
        locate: Locate,
        keys_of: Callable[[KeyListRange], set[str]],
        max_bytes: int,
    ) -> None:
        self._work_folder = work_folder
        self._manifest = manifest
        self._locate = locate
        self._keys_of = keys_of
        self._max_bytes = max_bytes

    def read(self, batch: Batch) -> Iterator[Record]:
        """In the manifest's order; keys of a list that the manifest does not name come last, each with a fault."""
        match batch.part:
            case LineRange() as part:
                yield from self._records(read_pinned(self._work_folder, part))
            case KeyListRange() as part:
                yield from self._listed(self._keys_of(part))
            case other:
                raise FatalError(f"documents are read by line, not by {type(other).__name__}")

    def _listed(self, keys: set[str]) -> Iterator[Record]:
        missing = set(keys)
        for document in self._manifest().documents():
            if document.key in missing:
                missing.remove(document.key)
                yield from self._records([document])
        for key in sorted(missing):
            fault = RecordRejected("source.missing", "the manifest names no document of this key")
            yield Record(key, None, fault=fault)

    def _records(self, documents: Iterable[ManifestDocument]) -> Iterator[Record]:
        return (record_of(document, self._locate, self._max_bytes) for document in documents)
