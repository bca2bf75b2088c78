"""Splits a source into batches: references with half-open bounds, never lists of keys or records.

Planning holds two keys or one file chunk and at most 2,000 boundaries, whatever the size of the source.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import pairwise
from math import ceil
from typing import BinaryIO, Protocol

from include.engine.errors import SettingsError
from include.engine.model import Batch, ByteRange, Key, KeyListRange, KeyRange, LineRange

MAX_BATCHES = 1000
"""A mapped task costs about a second of slot, every task resolves the whole list, and 1,024 is Airflow's limit."""

DEFAULT_BATCH_SIZE = 2000
"""Records a batch where nothing was measured yet."""

_CHUNK_BYTES = 1 << 20

log = logging.getLogger(__name__)


class KeySpace(Protocol):
    """The ordered, distinct keys that a plan covers (range and window applied)."""

    def count(self) -> int:
        """Keys at this moment."""
        ...

    def key_at(self, start: Key | None, offset: int) -> Key | None:
        """The key `offset` positions after `start` (at or after it; None: the first key), None past the end."""
        ...


def auto_batch_size(records_per_s: float | None, target_s: float, *, smallest: int = 50, largest: int = 100_000) -> int:
    """Records that take about `target_s` seconds at the last measured rate of one mapped task."""
    if target_s <= 0:
        raise SettingsError(f"target_s is {target_s}: give a duration above 0 s")
    if not records_per_s:
        return DEFAULT_BATCH_SIZE
    return min(max(round(records_per_s * target_s), smallest), largest)


def plan_keys(space: KeySpace, batch_size: int, *, lower: Key | None = None, upper: Key | None = None) -> list[Batch]:
    """Batches over `[lower, upper)`, found by keyset: one look-up a batch.

    The first and the last batch keep the outer bounds, so a key that appears between plan and reading still
    falls into exactly one batch; `planned_records` is what was counted.
    """
    total = space.count()
    if not total:
        return []
    size = _fitting_size(total, batch_size)
    batches: list[Batch] = []
    start = lower
    left = total
    while left > size and (following := space.key_at(start, size)) is not None:
        batches.append(Batch(len(batches), KeyRange(start, following), size))
        start = following
        left -= size
    batches.append(Batch(len(batches), KeyRange(start, upper), left))
    return batches


def plan_key_list(list_id: str, count: int, batch_size: int) -> list[Batch]:
    """Batches over the positions of a stored list of `count` keys."""
    return [
        Batch(index, KeyListRange(list_id, first, last), last - first)
        for index, (first, last) in enumerate(_ranges(count, _fitting_size(count, batch_size)))
    ]


def plan_bytes(uri: str, pin: str, size_bytes: int, batch_bytes: int, *, mean_record_bytes: int) -> list[Batch]:
    """Batches over the bytes of a file that was not read; the number of records is an estimate."""
    return [
        Batch(index, ByteRange(uri, pin, start, end), ceil((end - start) / max(mean_record_bytes, 1)), estimated=True)
        for index, (start, end) in enumerate(_ranges(size_bytes, _fitting_size(size_bytes, batch_bytes)))
    ]


def plan_lines(uri: str, pin: str, stream: BinaryIO, batch_size: int) -> list[Batch]:
    """Batches over the lines of a file, read once in chunks; lines end with a line feed, the last may lack it.

    A file of more than 1,000 batches gets every second boundary dropped as often as needed: sizes stay equal
    and the pass stays single.
    """
    _check_size(batch_size)
    size, lines, boundaries = batch_size, 0, [(0, 0)]
    end = 0
    for line_count, offset in _line_ends(stream, batch_size):
        lines, end = line_count, offset
        if lines - boundaries[-1][0] >= size:
            boundaries.append((lines, end))
            if len(boundaries) > 2 * MAX_BATCHES:
                boundaries, size = boundaries[::2], size * 2
    if boundaries[-1] != (lines, end):
        boundaries.append((lines, end))
    step = ceil((len(boundaries) - 1) / MAX_BATCHES) or 1
    kept = boundaries[::step] + ([boundaries[-1]] if (len(boundaries) - 1) % step else [])
    if size * step > batch_size:
        log.info("batch size grew from %d to %d lines: at most %d batches a run", batch_size, size * step, MAX_BATCHES)
    return [
        Batch(index, LineRange(uri, pin, first, last, start, stop), last - first)
        for index, ((first, start), (last, stop)) in enumerate(pairwise(kept))
    ]


def _line_ends(stream: BinaryIO, every: int) -> Iterator[tuple[int, int]]:
    """(lines so far, byte offset) after every `every`th line, and at the end of the file."""
    lines, offset, due = 0, 0, every
    last = b"\n"
    while chunk := stream.read(_CHUNK_BYTES):
        found = chunk.count(b"\n")
        position = -1
        while lines + found >= due:
            for _ in range(due - lines):
                position = chunk.index(b"\n", position + 1)
            found -= due - lines
            lines = due
            yield lines, offset + position + 1
            due += every
        lines += found
        offset += len(chunk)
        last = chunk[-1:]
    yield lines + (last != b"\n"), offset


def _ranges(total: int, size: int) -> Iterator[tuple[int, int]]:
    return ((start, min(start + size, total)) for start in range(0, total, size))


def _fitting_size(total: int, size: int) -> int:
    """`size`, or the smallest larger one that needs no more than `MAX_BATCHES` batches."""
    _check_size(size)
    fitting = max(size, ceil(total / MAX_BATCHES))
    if fitting > size:
        log.info("batch size grew from %d to %d: %d in at most %d batches", size, fitting, total, MAX_BATCHES)
    return fitting


def _check_size(size: int) -> None:
    if size < 1:
        raise SettingsError(f"batch_size is {size}: give a whole number of at least 1")
