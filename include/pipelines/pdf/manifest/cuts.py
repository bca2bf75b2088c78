"""Cuts the lines of a manifest's copy into batches, while they are written."""

from __future__ import annotations

import logging
import math
from itertools import pairwise

from include.engine.errors import SettingsError
from include.engine.model import Batch, LineRange
from include.engine.plan import MAX_BATCHES

HEAVIEST = 2.0
"""A batch holds at most so many times the bytes that as many documents have on average. So there are less than twice
as many batches as the count alone would make, and none works long after the others."""

log = logging.getLogger(__name__)


class Cuts:
    """Batches of neighbouring lines, bounded by count and by the bytes of their documents; one larger goes alone.

    At most 2,000 boundaries are held. Where there are more batches than a run may have, neighbours become one.
    """

    def __init__(self, batch_size: int, mean_bytes: float) -> None:
        """`mean_bytes` is that of the documents whose size is known; 0 where none is, then the count alone decides."""
        if batch_size < 1:
            raise SettingsError(f"batch_size is {batch_size}: give a whole number of at least 1")
        self._asked = self._most = batch_size
        self._mean_bytes = mean_bytes
        self._heaviest = HEAVIEST * mean_bytes * batch_size or math.inf
        self._ends = [(0, 0)]
        self._line = self._offset = 0
        self._weight = 0.0

    def add(self, line_bytes: int, document_bytes: int | None) -> None:
        """The next line; a document of unknown size counts as the mean."""
        weight = self._mean_bytes if document_bytes is None else document_bytes
        held = self._line - self._ends[-1][0]
        if held >= self._most or (held and self._weight + weight > self._heaviest):
            self._cut()
        self._line += 1
        self._offset += line_bytes
        self._weight += weight

    def batches(self, uri: str, pin: str) -> list[Batch]:
        """Over all lines so far, at most 1,000."""
        ends = self._ends if self._ends[-1][0] == self._line else [*self._ends, (self._line, self._offset)]
        step = math.ceil((len(ends) - 1) / MAX_BATCHES) or 1
        kept = ends[::step] + ([ends[-1]] if (len(ends) - 1) % step else [])
        if self._most * step > self._asked:
            log.info(
                "batch size grew from %d to %d documents: at most %d batches a run",
                self._asked,
                self._most * step,
                MAX_BATCHES,
            )
        return [
            Batch(index, LineRange(uri, pin, first, last, start, stop), last - first)
            for index, ((first, start), (last, stop)) in enumerate(pairwise(kept))
        ]

    def _cut(self) -> None:
        self._ends.append((self._line, self._offset))
        self._weight = 0.0
        if len(self._ends) > 2 * MAX_BATCHES:
            self._ends = self._ends[::2]
            self._most *= 2
            self._heaviest *= 2
