"""A file of NDJSON as it arrives."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from include.pipelines.fhir.client.json_text import read_object

MAX_TAIL_BYTES = 64 * 1024 * 1024


class Landing:
    """Writes pieces, counts lines, and tells whether the last one is whole. Used by one thread."""

    def __init__(self, path: Path) -> None:
        """`path` is there and empty."""
        self._path = path
        self._file = path.open("r+b")
        self.size = 0
        self._ends = 0
        self._tail_at = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, piece: bytes) -> None:
        """Append."""
        self._file.write(piece)
        if (end := piece.rfind(b"\n")) >= 0:
            self._tail_at = self.size + end + 1
            self._ends += piece.count(b"\n")
        self.size += len(piece)

    def settle(self) -> int | None:
        """Bring all to the disk; how many lines there are, None where the last one was cut.

        A server may leave out the last line's end; then the line must be a JSON object.
        """
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.seek(self._tail_at)
        tail = self._file.read(MAX_TAIL_BYTES).strip()
        if not tail:
            return self._ends
        return self._ends + 1 if read_object(tail) is not None else None
