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


@dataclass(frozen=True, slots=True)
class Line:
    """A line with its end."""

    text: str
    """Undecodable bytes are U+FFFD; empty where the line is too long."""
    raw: bytes
    size: int
    """Bytes in the file."""
    fault: RecordRejected | None = None


def read_lines(file: BinaryIO, size: int, encoding: TextEncoding) -> Iterator[Line]:
    """The lines of the next `size` bytes. They end with LF, CR LF or CR, the last perhaps with nothing."""
    passed_over = 0
    rest = b""
    while chunk := file.read(min(size, _CHUNK_BYTES)):
        size -= len(chunk)
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
