"""Reads a text file line by line: each with its bytes counted, and decoded by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO

from include.engine.errors import RecordRejected
from include.pipelines.csv.input.encodings import TextEncoding

MAX_LINE_BYTES = 1024 * 1024
"""A longer line is passed over: it costs its row."""

_CHUNK_BYTES = 256 * 1024
_FIRST_CHUNK_BYTES = 8 * 1024
"""Chunks double from here on: many who begin anew read a few lines only."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line with its end."""

    text: str
    """Undecodable bytes are U+FFFD; empty where the line is too long."""
    raw: bytes
    size: int
    """Bytes in the file."""
    fault: RecordRejected | None = None


class Lines(Iterator[Line]):
    """The lines of the next bytes of a file. They end with LF, CR LF or CR, the last perhaps with nothing."""

    def __init__(self, file: BinaryIO, size: int, encoding: TextEncoding) -> None:
        """`file` can be sought in; nobody else reads it between two lines but after `go_to`."""
        self._file, self._size, self._encoding = file, size, encoding
        self._start = file.tell()
        self.at = 0
        """Bytes before the next line."""
        self._lines = self._read(0)

    def __next__(self) -> Line:
        line = next(self._lines)
        self.at += line.size
        return line

    def go_to(self, at: int) -> None:
        """Begin anew after so many bytes, where a line begins."""
        self.at = at
        self._lines = self._read(at)

    def first(self, size: int) -> Lines:
        """Those that begin within the first `size` bytes; afterwards, `go_to` anywhere."""
        self.go_to(0)
        while self.at < size and next(self, None) is not None:
            pass
        self._file.seek(self._start)
        return Lines(self._file, self.at, self._encoding)

    def _read(self, at: int) -> Iterator[Line]:
        self._file.seek(self._start + at)
        left, chunk_bytes, encoding = self._size - at, _FIRST_CHUNK_BYTES, self._encoding
        passed_over = 0
        rest = b""
        while chunk := self._file.read(min(left, chunk_bytes, _CHUNK_BYTES)):
            left -= len(chunk)
            chunk_bytes = min(2 * chunk_bytes, _CHUNK_BYTES)
            # The last piece may go on in the next chunk, be it with the LF of its CR.
            *pieces, rest = _split(rest + chunk, encoding)
            for piece in pieces:
                yield _line(piece, passed_over, encoding)
                passed_over = 0
            if len(rest) > MAX_LINE_BYTES:
                passed_over += len(rest) - encoding.unit
                rest = rest[-encoding.unit :]
        for piece in _split(rest, encoding) if rest else ():
            yield _line(piece, passed_over, encoding)
            passed_over = 0


def _split(data: bytes, encoding: TextEncoding) -> list[bytes]:
    if encoding.unit == 1:
        return data.splitlines(keepends=True)
    ends = [match.end() for match in _ends(encoding.codec).finditer(data) if not match.start() % encoding.unit]
    bounds = [0, *ends] if ends and ends[-1] == len(data) else [0, *ends, len(data)]
    return [data[start:end] for start, end in pairwise(bounds)]


def _ends(codec: str) -> re.Pattern[bytes]:
    """What is found across two units hides no true end: an end has its zeros on one side only."""
    lf, cr = (re.escape(end.encode(codec)) for end in "\n\r")
    return re.compile(cr + lf + b"|" + lf + b"|" + cr)


def _line(piece: bytes, passed_over: int, encoding: TextEncoding) -> Line:
    size = passed_over + len(piece)
    if size > MAX_LINE_BYTES:
        fault = RecordRejected("csv.too_long", f"the line has {size} bytes, {MAX_LINE_BYTES} are allowed")
        return Line("", piece, size, fault)
    try:
        text = piece.decode(encoding.codec)
    except UnicodeDecodeError as error:
        place = f"byte {error.start + 1} of the line is not {encoding.codec}"
        text = piece.decode(encoding.codec, "replace")
        return Line(text, piece, size, RecordRejected("csv.undecodable", place))
    if "\0" in text:
        return Line(text, piece, size, RecordRejected("csv.nul", "the row holds a NUL character"))
    return Line(text, piece, size)
