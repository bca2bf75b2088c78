"""Splits a source into batches: references with half-open bounds, never lists of keys or records.

Planning holds two keys or one file chunk and at most 2,000 boundaries, whatever the size of the source.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import pairwise
from math import ceil
from typing import BinaryIO, Generic, Protocol, TypeVar

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

    For the batches of a file that needs more than 1,000 see `Bounds`: the pass stays single.
    """
    bounds = Bounds(batch_size, (0, 0), "lines")
    end = (0, 0)
    for end in _line_ends(stream, batch_size):
        if bounds.is_due(end[0]):
            bounds.cut(end)
    return [
        Batch(index, LineRange(uri, pin, first, last, start, stop), last - first)
        for index, ((first, start), (last, stop)) in enumerate(bounds.between(end))
    ]


Mark = TypeVar("Mark", bound=tuple[int, ...])
"""Where a batch may begin: how many records come before, and whatever else the source has to know of the place."""


class Bounds(Generic[Mark]):
    """Cuts records into batches while they pass by; twice as many marks are held as there may be batches.

    Where there would be more than `most`, every second mark is dropped as often as needed: sizes stay equal.
    """

    def __init__(self, batch_size: int, start: Mark, noun: str, most: int = MAX_BATCHES) -> None:
        """`noun` is what the records are called, for the log."""
        _check_size(batch_size)
        self._asked = batch_size
        self._marks = [start]
        self._noun = noun
        self._most = most
        self.growth = 1
        """How many times larger than asked for batches have become."""

    def held(self, records: int) -> int:
        """Since the last cut, when so many have come by in all."""
        return records - self._marks[-1][0]

    def is_due(self, records: int) -> bool:
        """Whether the batch that is open has all it may."""
        return self.held(records) >= self._asked * self.growth

    def cut(self, at: Mark) -> None:
        """End a batch, and begin the next one."""
        self._marks.append(at)
        if len(self._marks) > 2 * self._most:
            self._marks = self._marks[::2]
            self.growth *= 2

    def between(self, end: Mark) -> list[tuple[Mark, Mark]]:
        """Begin and end of each batch, up to the end of all."""
        marks = self._marks if self._marks[-1] == end else [*self._marks, end]
        step = ceil((len(marks) - 1) / self._most) or 1
        kept = marks[::step] + ([marks[-1]] if (len(marks) - 1) % step else [])
        if (grown := self.growth * step) > 1:
            size = self._asked
            log.info(
                "batch size grew from %d to %d %s: at most %d batches a run",
                size,
                size * grown,
                self._noun,
                self._most,
            )
        return list(pairwise(kept))


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
