"""Cuts the lines of a manifest's copy into batches, while they are written."""

from __future__ import annotations

import math

from include.engine.model import Batch, LineRange
from include.engine.plan import Bounds

HEAVIEST = 2.0
"""A batch holds at most so many times the bytes that as many documents have on average. So there are less than twice
as many batches as the count alone would make, and none works long after the others."""


class Cuts:
    """Batches of neighbouring lines, bounded by count and by the bytes of their documents; one larger goes alone.

    Where there are more batches than a run may have, neighbours become one.
    """

    def __init__(self, batch_size: int, mean_bytes: float) -> None:
        """`mean_bytes` is that of the documents whose size is known; 0 where none is, then the count alone decides."""
        self._bounds = Bounds(batch_size, (0, 0), "documents")
        self._mean_bytes = mean_bytes
        self._heaviest = HEAVIEST * mean_bytes * batch_size or math.inf
        self._line = self._offset = 0
        self._weight = 0.0

    def add(self, line_bytes: int, document_bytes: int | None) -> None:
        """The next line; a document of unknown size counts as the mean."""
        weight = self._mean_bytes if document_bytes is None else document_bytes
        too_heavy = self._weight + weight > self._heaviest * self._bounds.growth
        if self._bounds.is_due(self._line) or (self._bounds.held(self._line) and too_heavy):
            self._bounds.cut((self._line, self._offset))
            self._weight = 0.0
        self._line += 1
        self._offset += line_bytes
        self._weight += weight

    def batches(self, uri: str, pin: str) -> list[Batch]:
        """Over all lines so far, at most 1,000."""
        return [
            Batch(index, LineRange(uri, pin, first, last, start, stop), last - first)
            for index, ((first, start), (last, stop)) in enumerate(self._bounds.between((self._line, self._offset)))
        ]
