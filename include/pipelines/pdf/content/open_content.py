"""Opens a document's bytes: one descriptor, its size and its digest."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from include.engine.errors import RecordRejected, TransientError
from include.pipelines.pdf.content.fetch import fetch
from include.pipelines.pdf.content.location import LocalFile, Location, RemoteFile

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

    Raises `RecordRejected` (`pdf.missing`, `pdf.denied`, `pdf.source_changed`, `pdf.too_large`) and
    `TransientError`; their messages name no URL.
    """
    if location.size > max_bytes:
        raise too_large(location.size, max_bytes)
    with _open_pinned(location) if isinstance(location, LocalFile) else _open_fetched(location) as file:
        yield _digested(file)


def too_large(size: int, max_bytes: int) -> RecordRejected:
    """The reject of a document above the limit."""
    return RecordRejected("pdf.too_large", f"{size} bytes, {max_bytes} are allowed: raise max_document_bytes")


@contextmanager
def _open_fetched(location: RemoteFile) -> Iterator[BinaryIO]:
    try:
        file = tempfile.TemporaryFile(prefix="headrace-pdf-")  # noqa: SIM115 - closed by the next statement
    except OSError as error:
        raise TransientError(f"there is no room for a temporary file: {type(error).__name__}") from None
    with file:
        fetch(location, file)
        yield file


@contextmanager
def _open_pinned(location: LocalFile) -> Iterator[BinaryIO]:
    try:
        # Neither a link nor a pipe that was put in its place may be followed or waited for.
        descriptor = os.open(location.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise (_changed() if error.errno == errno.ELOOP else unreadable(error)) from None
    with os.fdopen(descriptor, "rb") as file:
        _check_pin(location, descriptor)
        yield file
        # Written to meanwhile, it would have the digest of one state and the text of another.
        _check_pin(location, descriptor)


def _check_pin(location: LocalFile, descriptor: int) -> None:
    found = os.fstat(descriptor)
    pinned = location.size, location.modified_ns, location.device, location.inode
    if (found.st_size, found.st_mtime_ns, found.st_dev, found.st_ino) != pinned or not stat.S_ISREG(found.st_mode):
        raise _changed()


def _changed() -> RecordRejected:
    return RecordRejected("pdf.source_changed", "the file is not the one that was located: run it again")


def unreadable(error: OSError) -> RecordRejected | TransientError:
    """What an error of the file system means for its document."""
    match error:
        case FileNotFoundError() | NotADirectoryError():
            return RecordRejected("pdf.missing", "there is no file at file_path")
        case PermissionError():
            return RecordRejected("pdf.denied", "the file at file_path may not be read by this user")
        case OSError(errno=errno.ELOOP):  # from Python 3.13 on; before, pathlib has a RuntimeError for it
            return RecordRejected("pdf.missing", "file_path leads to links that go round")
        case _:
            name = os.strerror(error.errno) if error.errno else type(error).__name__
            return TransientError(f"the file at file_path cannot be read: {name}")


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
