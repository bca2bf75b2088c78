"""Opens a document's bytes: one descriptor, its size and its digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from include.connections.files.location import Location
from include.connections.files.opening import opened, unreadable
from include.engine.errors import RecordRejected

CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Content:
    """Open for reading as long as its context lasts."""

    file: BinaryIO
    size: int
    sha256: str
    head: bytes
    """The first KiB, in which a PDF has its header."""

    @property
    def path(self) -> str:
        """A name of this very descriptor: no other file can come in its place."""
        return f"/dev/fd/{self.file.fileno()}"


@contextmanager
def open_content(location: Location, max_bytes: int) -> Iterator[Content]:
    """Open a local file, or fetch a remote one into a temporary file that has no name.

    Raises `RecordRejected` (`pdf.too_large`) and as `opened` does.
    """
    if location.size > max_bytes:
        raise too_large(location.size, max_bytes)
    with opened(location) as file:
        yield _digested(file)


def too_large(size: int, max_bytes: int) -> RecordRejected:
    """The reject of a document above the limit."""
    return RecordRejected("pdf.too_large", f"{size} bytes, {max_bytes} are allowed: raise max_document_bytes")


def _digested(file: BinaryIO) -> Content:
    digest = hashlib.sha256()
    size = 0
    head = b""
    try:
        file.seek(0)
        while chunk := file.read(CHUNK_BYTES):
            head = head or chunk[:1024]
            size += len(chunk)
            digest.update(chunk)
        file.seek(0)
    except OSError as error:
        raise unreadable(error) from None
    return Content(file, size, digest.hexdigest(), head)
