"""One file of what is kept: compressed NDJSON, whose name tells when it was begun and how many lines it has."""

from __future__ import annotations

import gzip
import re
import secrets
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO, Self

from include.connections.files.folder import FileFolder
from include.connections.files.growing import GrowingFile

LEVEL = 1
"""Of the compression: a higher one would take longer than the views."""

MAX_LINES, MAX_BYTES = 1_000_000, 1024**3
"""Of a file, whose keys are in memory when it is read, and which S3 takes in one piece of 5 GB at most."""

_GZIP = 31
_STAMP = "%Y%m%dT%H%M%S.%fZ"
_NAME = re.compile(r"(?P<stamp>\d{8}T\d{6}\.\d{6}Z)-(?P<token>[0-9a-f]{8})-(?P<lines>\d+)\.ndjson\.gz")


@dataclass(frozen=True, slots=True)
class Stem:
    """What the files that a batch keeps of one type have in common; those that come later sort later."""

    stamp: str
    """UTC, so that names sort by time."""
    token: str
    """Tells batches apart that begin together."""

    @classmethod
    def now(cls) -> Self:
        """Of a batch that begins."""
        return cls(f"{datetime.now(UTC):{_STAMP}}", secrets.token_hex(2))

    def name(self, number: int, lines: int) -> str:
        """Of the batch's file of this number, below 65,536."""
        return f"{self.stamp}-{self.token}{number:04x}-{lines}.ndjson.gz"


@dataclass(frozen=True, slots=True)
class KeptName:
    """What the name of a file says."""

    moment: datetime
    """When its batch was begun, UTC."""
    lines: int

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """None for a file that is none of ours."""
        found = _NAME.fullmatch(name)
        if found is None:
            return None
        return cls(datetime.strptime(found["stamp"], _STAMP).replace(tzinfo=UTC), int(found["lines"]))


class KeptFile:
    """One that grows."""

    def __init__(self, folder: FileFolder, file: GrowingFile) -> None:
        self._folder = folder
        self._file = file
        self._zip = zlib.compressobj(LEVEL, wbits=_GZIP)
        self._lines = 0
        self._name = ""

    @property
    def is_full(self) -> bool:
        """Whether the next line belongs to another file."""
        return self._lines >= MAX_LINES or self._file.size >= MAX_BYTES

    def write(self, text: bytes) -> None:
        """A line; text that was read from a line holds no end of one."""
        if packed := self._zip.compress(text + b"\n"):
            self._file.write(packed)
        self._lines += 1

    def complete(self, stem: Stem, number: int) -> None:
        """To the last byte, then under its name."""
        self._file.write(self._zip.flush())
        self._name = stem.name(number, self._lines)
        self._file.keep(self._name)

    def withdraw(self) -> None:
        """Take back what is there under its name, or may be; raises as `FileFolder.remove`."""
        if self._name:
            self._folder.remove(self._name)


def lines_of(file: BinaryIO) -> Iterator[bytes]:
    """From its beginning, without their ends; raises `OSError`, `EOFError` or `zlib.error` for a broken file."""
    file.seek(0)
    with gzip.open(file, "rb") as lines:
        for line in lines:
            yield line.rstrip(b"\n")
