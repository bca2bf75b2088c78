"""Opens the very file that was located: one descriptor, which nothing else can take the place of."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import BinaryIO

from include.connections.files.fetch import fetch
from include.connections.files.location import LocalFile, Location, RemoteFile
from include.engine.errors import RecordRejected, TransientError


def opened(location: Location) -> AbstractContextManager[BinaryIO]:
    """Open a local file, or fetch a remote one into a temporary file that has no name.

    Raises `RecordRejected` (`file.missing`, `file.denied`, `file.source_changed`) and `TransientError`; their messages
    name no path and no URL. A local file that was written to meanwhile raises when the context ends.
    """
    return _located(location) if isinstance(location, LocalFile) else _fetched(location)


@contextmanager
def _fetched(location: RemoteFile) -> Iterator[BinaryIO]:
    try:
        file = tempfile.TemporaryFile(prefix="headrace-")  # noqa: SIM115 - closed by the next statement
    except OSError as error:
        raise TransientError(f"there is no room for a temporary file: {type(error).__name__}") from None
    with file:
        fetch(location, file)
        file.seek(0)
        yield file


@contextmanager
def _located(location: LocalFile) -> Iterator[BinaryIO]:
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
    return RecordRejected("file.source_changed", "the file is not the one that was located: run it again")


def unreadable(error: OSError) -> RecordRejected | TransientError:
    """What an error of the file system means for its file."""
    match error:
        case FileNotFoundError() | NotADirectoryError():
            return RecordRejected("file.missing", "there is no file at this path")
        case PermissionError():
            return RecordRejected("file.denied", "the file may not be read by this user")
        case OSError(errno=errno.ELOOP):  # from Python 3.13 on; before, pathlib has a RuntimeError for it
            return RecordRejected("file.missing", "the path leads to links that go round")
        case _:
            name = os.strerror(error.errno) if error.errno else type(error).__name__
            return TransientError(f"the file cannot be read: {name}")
