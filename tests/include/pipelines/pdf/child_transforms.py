"""A transform that crashes, hangs or takes all memory for one document each; loaded in worker processes by name."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any

from include.engine.model import Record, Rows
from include.engine.ports import Transform
from include.pipelines.pdf import transform
from include.pipelines.pdf.settings import PdfSettings


def crashing(config: Mapping[str, Any]) -> Transform:
    read = transform.load(config)

    def crash_hang_or_read(record: Record) -> Rows:
        if record.payload.file_path == "crash.pdf":
            ctypes.string_at(0)
        if record.payload.file_path == "hang.pdf":
            ctypes.PyDLL(None).sleep(1000)  # native code that holds the interpreter's lock
        if record.payload.file_path == "memory.pdf":
            bytearray(64 * 1024**3)
        return read(record)

    return crash_hang_or_read


class CrashingSettings(PdfSettings):
    def transform(self) -> Any:
        spec = super().transform()
        return type(spec)(
            factory=f"{__name__}:crashing",
            config=spec.config,
            memory_limit_bytes=spec.memory_limit_bytes,
            recycle_after=spec.recycle_after,
        )
