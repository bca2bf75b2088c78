"""A file that must be the same for all tasks of a run: pinned when it is planned, checked at each opening."""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from include.connections.files.location import Location, RemoteFile
from include.connections.files.object_names import ObjectName, is_object_uri
from include.connections.files.objects import ObjectStore
from include.connections.files.opening import opened
from include.connections.files.patience import patiently
from include.connections.files.places import Places
from include.engine.errors import FatalError, RecordRejected, SettingsError, SourceChanged

SPOOL_BYTES = 8 * 1024 * 1024
"""A part that comes from S3 is in memory up to this size, and on disk above it."""


@dataclass(frozen=True, slots=True)
class FilePin:
    """What a file was when a run was planned. Its text is the `pin` of a batch."""

    tag: str
    """`sha256:…` of a file on disk, the ETag of an object, with its quotes."""
    size: int

    def __str__(self) -> str:
        return f"{self.tag} {self.size}"

    @classmethod
    def parse(cls, text: str) -> FilePin:
        """The inverse of its text; raises `ValueError`."""
        tag, _, size = text.rpartition(" ")
        return cls(tag, int(size))


class PinnedFile(Protocol):
    """Open as long as its context lasts. For one thread, a part at a time."""

    @property
    def pin(self) -> FilePin:
        """What it is."""
        ...

    def part(self, start: int, end: int) -> AbstractContextManager[BinaryIO]:
        """A file that stands at the first of the bytes `[start, end)`; what comes after the last is not theirs.

        Raises `TransientError`, and `RecordRejected` where an object is another one by now.
        """
        ...


@contextmanager
def pinned_now(places: Places, path: str, max_bytes: int, setting: str = "file") -> Iterator[PinnedFile]:
    """The file as it is, with its pin: a file on disk is read once for its digest.

    Raises `SettingsError`, which names `setting`, for one that is not allowed, not there, too large, or changes within
    the context; `TransientError`.
    """
    with _as(lambda fault: SettingsError(f"{setting}: {fault}")):
        location = patiently(lambda: places(path))
        if location.size > max_bytes:
            raise SettingsError(f"{setting}: {location.size} bytes, {max_bytes} are allowed: split it")
        with _at(places, path, location) as file:
            yield file


@contextmanager
def pinned_then(places: Places, path: str, pin: FilePin) -> Iterator[PinnedFile]:
    """The file as it was planned; raises `SourceChanged` where it is not that any more, `TransientError`."""
    with _as(lambda fault: SourceChanged(f"the file is not the one that was planned ({fault}): trigger a new run")):
        if is_object_uri(path) and places.objects is not None:
            yield _ObjectParts(places.objects, places.objects.allowed(path), pin)
            return
        with _at(places, path, patiently(lambda: places(path))) as file:
            if file.pin != pin:
                raise SourceChanged("the file is not the one that was planned: trigger a new run")
            yield file


@contextmanager
def _at(places: Places, path: str, location: Location) -> Iterator[PinnedFile]:
    if isinstance(location, RemoteFile):
        assert places.objects is not None  # noqa: S101 - who else would have located it
        yield _ObjectParts(places.objects, ObjectName.parse(path), FilePin(location.etag, location.size))
        return
    with opened(location) as file:
        yield _DiskParts(file, FilePin(f"sha256:{_sha256(file)}", location.size))


def _sha256(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(1024 * 1024):
        digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def _as(meaning: Callable[[RecordRejected], FatalError]) -> Iterator[None]:
    try:
        yield
    except RecordRejected as fault:
        if not fault.code.startswith("file."):
            raise  # of whoever works with the file
        raise meaning(fault) from None


@dataclass(frozen=True, slots=True)
class _DiskParts:
    file: BinaryIO
    pin: FilePin

    @contextmanager
    def part(self, start: int, end: int) -> Iterator[BinaryIO]:
        del end
        self.file.seek(start)
        yield self.file


@dataclass(frozen=True, slots=True)
class _ObjectParts:
    store: ObjectStore
    name: ObjectName
    pin: FilePin

    @contextmanager
    def part(self, start: int, end: int) -> Iterator[BinaryIO]:
        if start >= end:
            yield io.BytesIO()
            return
        with tempfile.SpooledTemporaryFile(SPOOL_BYTES, prefix="headrace-") as file:
            self.store.copy_range(self.name, self.pin.tag, start, end, file)
            file.seek(0)
            yield file  # type: ignore[misc] # typeshed: a SpooledTemporaryFile is no BinaryIO, though it has all of it
