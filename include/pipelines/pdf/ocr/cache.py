"""Texts that OCR found, kept by the content of their file: nobody pays seconds for the same page twice."""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class OcrCache:
    """A folder that tasks on many machines may share: files appear whole or not at all, and never change.

    It holds text of documents: its files are readable by this user only. Nothing removes them; whoever cleans up may
    delete any, at any time.
    """

    folder: Path
    engine: str
    """What else decides the text: the program's version."""

    def get(self, sha256: str, page: int, language: str, dpi: int) -> str | None:
        """The text of a page, None where it is not there or not readable."""
        with suppress(OSError, UnicodeDecodeError):
            return self._path(sha256, page, language, dpi).read_bytes().decode()
        return None

    def put(self, sha256: str, page: int, language: str, dpi: int, text: str) -> bool:
        """Keep the text; False where the folder does not take it, which costs time and nothing else."""
        path = self._path(sha256, page, language, dpi)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor, temporary = tempfile.mkstemp(dir=path.parent)
        except OSError:
            return False
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace", newline="") as file:
                file.write(text)
            Path(temporary).replace(path)
        except OSError:
            with suppress(OSError):
                Path(temporary).unlink()
            return False
        return True

    def _path(self, sha256: str, page: int, language: str, dpi: int) -> Path:
        engine = hashlib.sha256(self.engine.encode()).hexdigest()[:12]
        return self.folder / sha256[:2] / sha256 / f"{page}.{language}.{dpi}.{engine}.txt"
