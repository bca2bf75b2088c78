"""From the entries of a manifest to records that say where the bytes are."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing

from include.connections.files.patience import patiently
from include.connections.files.roots import Locate
from include.engine.errors import FatalError, RecordRejected, TransientError
from include.engine.judge import NoAnswer
from include.engine.model import Batch, KeyListRange, LineRange, Record
from include.pipelines.pdf.content.open_content import too_large
from include.pipelines.pdf.content.work import DocumentWork
from include.pipelines.pdf.manifest.model import ManifestDocument
from include.pipelines.pdf.manifest.pinned import PinFolder, read_pinned


def record_of(document: ManifestDocument, locate: Locate, max_bytes: int) -> Record:
    """A record without the bytes; one that cannot be located, or is too large, comes with a fault."""
    try:
        location = patiently(lambda: locate(document.file_path, document.pin))
        if location.size > max_bytes:
            raise too_large(location.size, max_bytes)
    except TransientError as last:
        no_answer = NoAnswer("gave_up.transient", f"it could not be located: {last.message}")
        return Record(document.key, None, fault=no_answer)
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


class ManifestSource:
    """Reads the lines of a pinned copy; or, for a list of keys, what the run is told to read, in one pass."""

    def __init__(
        self,
        pins: PinFolder,
        documents: Callable[[], Generator[ManifestDocument]],
        locate: Locate,
        keys_of: Callable[[KeyListRange], set[str]],
        max_bytes: int,
    ) -> None:
        self._pins = pins
        self._documents = documents
        self._locate = locate
        self._keys_of = keys_of
        self._max_bytes = max_bytes

    def read(self, batch: Batch) -> Iterator[Record]:
        """In the manifest's order; keys of a list that the manifest does not name come last, each with a fault."""
        match batch.part:
            case LineRange() as part:
                yield from self._records(read_pinned(self._pins, part))
            case KeyListRange() as part:
                yield from self._listed(self._keys_of(part))
            case other:
                raise FatalError(f"documents are read by line, not by {type(other).__name__}")

    def _listed(self, keys: set[str]) -> Iterator[Record]:
        missing = set(keys)
        with closing(self._documents()) as documents:
            while missing and (document := next(documents, None)):
                if document.key in missing:
                    missing.remove(document.key)
                    yield from self._records([document])
        for key in sorted(missing):
            # Another run's manifest may name it: its rows stay.
            fault = NoAnswer("source.missing", "the manifest names no document of this key")
            yield Record(key, None, fault=fault)

    def _records(self, documents: Iterable[ManifestDocument]) -> Iterator[Record]:
        return (record_of(document, self._locate, self._max_bytes) for document in documents)
