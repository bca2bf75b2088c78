"""Splits the lines of many files into slices of about equal work, by position: a file's name and a byte in it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import BinaryIO

from include.engine.errors import FatalError, SourceChanged
from include.engine.model import Batch, NamedSlice
from include.engine.plan import MAX_BATCHES
from include.pipelines.fhir.client.export.result import MAX_LINE_BYTES

_BUFFER_BYTES = 1 << 20
"""Each read lets the other threads in: few large ones cost less than many small ones."""
_DIGITS = 15
"""Of a byte's number, so that positions compare as text."""


@dataclass(frozen=True, slots=True)
class LineFile:
    """A file of NDJSON that does not change any more."""

    path: Path
    """Names tell the files of one plan apart, and are ASCII."""
    size: int
    """Bytes."""
    lines: int

    @property
    def name(self) -> str:
        """Without its folder."""
        return self.path.name


@dataclass(frozen=True, slots=True)
class LongLine:
    """A line beyond `MAX_LINE_BYTES`, which nobody holds in memory."""

    digest: str
    """SHA-256 of its bytes."""
    size: int


@dataclass(frozen=True, slots=True)
class _Piece:
    name: str
    start: int
    records: int
    whole: bool


def plan_files(name: str, files: Sequence[LineFile], batch_size: int, most: int = MAX_BATCHES) -> list[Batch]:
    """Slices of about `batch_size` lines, over files in order of name; at most `most`, but one.

    Small files share a slice, large ones are cut at bytes: then its number of records is an estimate.
    """
    filled = sorted((file for file in files if file.lines), key=lambda file: file.name)
    size = max(batch_size, ceil(sum(file.lines for file in filled) / max(1, most // 2)))
    groups: list[list[_Piece]] = []
    records = 0
    for piece in (piece for file in filled for piece in _pieces(file, size)):
        if not groups or records + piece.records > size:
            groups.append([])
            records = 0
        groups[-1].append(piece)
        records += piece.records
    starts = [position(group[0].name, group[0].start) for group in groups]
    return [
        Batch(
            index,
            NamedSlice(name, lower, upper),
            sum(piece.records for piece in group),
            estimated=not all(piece.whole for piece in group),
        )
        for index, (group, (lower, upper)) in enumerate(zip(groups, pairwise([*starts, None]), strict=True))
    ]


def position(name: str, offset: int) -> str:
    """Sorts as the bytes of the files do."""
    return f"{name}:{offset:0{_DIGITS}d}"


def lines_between(files: Sequence[LineFile], lower: str | None, upper: str | None) -> Iterator[bytes | LongLine]:
    """Each line that starts in `[lower, upper)`, without its end, blank ones left out.

    Raises `SourceChanged` when a file is gone or has another size.
    """
    first, last = _parsed(lower), _parsed(upper)
    for file in sorted(files, key=lambda file: file.name):
        start = first[1] if first is not None and first[0] == file.name else 0
        end = last[1] if last is not None and last[0] == file.name else file.size
        before = first is not None and file.name < first[0]
        after = last is not None and file.name > last[0]
        if not before and not after and start < end:
            yield from _lines(file, start, end)


def _pieces(file: LineFile, size: int) -> Iterator[_Piece]:
    count = max(1, min(ceil(file.lines / size), file.size))
    for number in range(count):
        records = file.lines * (number + 1) // count - file.lines * number // count
        yield _Piece(file.name, file.size * number // count, records, count == 1)


def _lines(file: LineFile, start: int, end: int) -> Iterator[bytes | LongLine]:
    try:
        if file.path.stat().st_size != file.size:
            raise SourceChanged(f"{file.name} is not the file that was planned: trigger a new run")
        with file.path.open("rb", buffering=_BUFFER_BYTES) as stream:
            at = start
            if start:
                stream.seek(start - 1)
                # The line that starts before belongs to the slice before.
                at += _skipped(stream, stream.readline(_BUFFER_BYTES)).size - 1
            while at < end and (line := stream.readline(MAX_LINE_BYTES + 1)):
                if len(line) > MAX_LINE_BYTES:
                    long_line = _skipped(stream, line)
                    at += long_line.size
                    yield long_line
                    continue
                at += len(line)
                if text := line.strip():
                    yield text
    except OSError as error:
        reason = type(error).__name__
        raise SourceChanged(f"{file.name} cannot be read any more ({reason}): trigger a new run") from None


def _skipped(stream: BinaryIO, begun: bytes) -> LongLine:
    """To the end of the line that begins with `begun`."""
    digest, size, piece = hashlib.sha256(), 0, begun
    while piece:
        digest.update(piece)
        size += len(piece)
        piece = b"" if piece.endswith(b"\n") else stream.readline(_BUFFER_BYTES)
    return LongLine(digest.hexdigest(), size)


def _parsed(text: str | None) -> tuple[str, int] | None:
    if text is None:
        return None
    name, _, offset = text.rpartition(":")
    if not name or not offset.isdecimal():
        raise FatalError("a batch names no position in a file: trigger a new run")
    return name, int(offset)
