"""Copies of manifests in S3, for tasks on machines that share no folder."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from include.connections.files.object_names import ObjectName
from include.connections.files.objects import ObjectStore
from include.engine.errors import RecordRejected, SettingsError, SourceChanged
from include.engine.model import LineRange
from include.pipelines.pdf.manifest.pinned import copy_name, write_lines

SPOOL_BYTES = 8 * 1024 * 1024
"""A batch's lines are in memory up to this size, and on disk above it."""


@dataclass(frozen=True, slots=True)
class ObjectPins:
    """Copies below a prefix. A batch reads the bytes of its own lines, of the very state that was planned."""

    store: ObjectStore
    folder: ObjectName

    def keep(self, lines: Iterable[bytes]) -> tuple[str, str]:
        """See `PinFolder`."""
        with tempfile.TemporaryFile(prefix="headrace-manifest-") as file:
            name = copy_name(write_lines(lines, file))
            try:
                return name, self.store.put(self.folder.below(name), file)
            except RecordRejected as refusal:
                raise SettingsError(f"work_folder does not take the manifest's copy: {refusal.message}") from None

    def read(self, part: LineRange) -> Iterator[bytes]:
        """See `PinFolder`."""
        with tempfile.SpooledTemporaryFile(SPOOL_BYTES, prefix="headrace-manifest-") as file:
            try:
                self.store.copy_range(self.folder.below(part.uri), part.pin, part.start, part.end, file)
            except RecordRejected as refusal:
                raise SourceChanged(
                    f"the copy of the manifest in work_folder is not the one that was planned ({refusal.code}): "
                    "trigger a new run"
                ) from None
            file.seek(0)
            for _ in range(part.first_line, part.last_line):
                yield file.readline()
