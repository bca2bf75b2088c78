"""The source of the pipeline: each batch says by its part where its resources come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from include.engine.errors import FatalError
from include.engine.model import Batch, Key, KeyListRange, NamedSlice, Record
from include.pipelines.fhir.source.exported import DELETIONS, FILES, Exported
from include.pipelines.fhir.source.kept import KEPT, KeptFolder
from include.pipelines.fhir.source.searched import Searched
from include.warehouse.vanished import Vanished


class ResourceSource:
    """Reads by search, from an export's files, or from what was kept. Built without asking anybody."""

    def __init__(
        self,
        searched: Searched,
        exported: Callable[[], Exported],
        kept: Callable[[], KeptFolder],
        keys_of: Callable[[KeyListRange], Iterator[Key]],
        *,
        keeps: bool,
        vanished: Vanished = "keep",
    ) -> None:
        """`exported` and `kept` raise `SettingsError` where their folder is not there; `keeps` what is read.

        `vanished` is for listed keys that the server does not know.
        """
        self._searched = searched
        self._exported = exported
        self._kept = kept
        self._keys_of = keys_of
        self._keeps = keeps
        self._vanished: Vanished = vanished

    def read(self, batch: Batch) -> Iterator[Record]:
        """In a stable order, as far as the server's is."""
        match batch.part:
            case KeyListRange() as part:
                return self._keep(self._searched.listed(self._keys_of(part), self._vanished))
            case NamedSlice(name) as part if name.startswith(KEPT):
                return self._kept().read(part)
            case NamedSlice(name) as part if name.startswith(FILES):
                return self._keep(self._exported().read(part))
            case NamedSlice(name) as part if name.startswith(DELETIONS):
                return self._keep(self._deletions(part))
            case NamedSlice() as part:
                return self._keep(self._searched.slice(part))
            case other:
                raise FatalError(f"resources are read by slice or key, not by {type(other).__name__}")

    def _deletions(self, part: NamedSlice) -> Iterator[Record]:
        deleted, doubtful = self._exported().deletions(part)
        yield from deleted
        if doubtful:
            # The export did call them deleted.
            yield from self._searched.listed(sorted(doubtful), "remove")

    def _keep(self, records: Iterator[Record]) -> Iterator[Record]:
        return self._kept().keeping(records) if self._keeps else records
