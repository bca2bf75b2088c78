"""A transform that crashes, hangs or takes all memory for one document each; loaded in worker processes by name."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from include.engine.errors import RecordRejected
from include.engine.model import Record, Rows
from include.engine.ports import Transform
from include.pipelines.pdf import transform
from include.pipelines.pdf.settings import PdfSettings


def crashing(config: Mapping[str, Any]) -> Transform:
    read = transform.load(config)

    def crash_hang_or_read(record: Record) -> Rows:
        if record.payload.file_path == "crash.pdf" or fails(record, "crashing range.pdf"):
            ctypes.string_at(0)
        if record.payload.file_path == "hang.pdf" or fails(record, "hanging range.pdf"):
            ctypes.PyDLL(None).sleep(1000)  # native code that holds the interpreter's lock
        if fails(record, "refused range.pdf"):
            raise RecordRejected("pdf.broken_page", "page 3 cannot be read")
        if record.payload.file_path == "memory.pdf":
            bytearray(64 * 1024**3)
        return read(record)

    return crash_hang_or_read


def fails(record: Record, file_path: str) -> bool:
    """Whether this is the range that begins with the third page of such a document."""
    pages = record.payload.pages
    return record.payload.file_path == file_path and pages is not None and pages[0] == 2


class CrashingSettings(PdfSettings):
    def transform(self) -> Any:
        return replace(super().transform(), factory=f"{__name__}:crashing")
