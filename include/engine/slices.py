"""Splits what a source can only count: half-open ranges of whole numbers, found by halving."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

log = logging.getLogger(__name__)

MAX_COUNTS = 3_000
"""Calls of a count for one whole; each is a question to somebody's server."""


@dataclass(frozen=True, slots=True)
class CountedRange:
    """Numbers in `[lower, upper)` and how many records lie there."""

    lower: int
    upper: int
    records: int


Count = Callable[[int, int], int]
"""How many records lie in `[lower, upper)` at this moment."""


def halved(count: Count, whole: CountedRange, size: int, *, max_counts: int = MAX_COUNTS) -> Iterator[CountedRange]:
    """Ranges in order that cover the whole without gaps, each with at most `size` records.

    A range of one number stays whole, however many records it has, and so does what is left when `max_counts` is
    reached. Each halving counts the left half only: what others add or remove meanwhile changes counts, never bounds.
    """
    waiting, counts = [whole], 0
    while waiting:
        at = waiting.pop()
        if at.records <= size or at.upper - at.lower < 2 or counts >= max_counts:
            yield at
            continue
        middle = (at.lower + at.upper) // 2
        left = min(max(count(at.lower, middle), 0), at.records)
        counts += 1
        waiting.append(CountedRange(middle, at.upper, at.records - left))
        waiting.append(CountedRange(at.lower, middle, left))
    if counts >= max_counts:
        log.warning("counted %d ranges: what is not split yet stays in larger batches", counts)


def merged(ranges: Iterable[CountedRange], size: int) -> list[CountedRange]:
    """Neighbours joined while they have at most `size` records together; nothing is left out."""
    found: list[CountedRange] = []
    for each in ranges:
        if found and found[-1].records + each.records <= size:
            last = found.pop()
            found.append(CountedRange(last.lower, each.upper, last.records + each.records))
        else:
            found.append(each)
    return found


def fitted(wholes: Sequence[Sequence[CountedRange]], size: int, most: int) -> list[list[CountedRange]]:
    """Each whole's ranges, merged; in ever larger ones until there are at most `most`, or one a whole."""
    found = [merged(ranges, size) for ranges in wholes]
    grown = size
    while sum(map(len, found)) > most and any(len(ranges) > 1 for ranges in found):
        grown *= 2
        found = [merged(ranges, grown) for ranges in found]
    if grown > size:
        log.info("batch size grew from %d to %d records: at most %d batches a run", size, grown, most)
    return found
