"""What became of a set of documents, in numbers."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

SLOWEST = 10


@dataclass(frozen=True, slots=True)
class DocumentResult:
    """What became of one document."""

    document_uuid: str
    outcome: str
    """`written`, `rejected` or `skipped`."""
    code: str | None = None
    """Class of a reject, or reason of a skip."""
    message: str | None = None
    """Of a reject; nothing of the document's content."""
    pages: int = 0
    characters: int = 0
    ocr_pages: int = 0
    needs_ocr_pages: int = 0
    seconds: float = 0.0
    """From the beginning of its first try to the end of its last, waits between them not counted."""


@dataclass(frozen=True, slots=True)
class PdfStatistics:
    """Of a batch or a run; those of several that ran one after the other add up."""

    results: Sequence[DocumentResult] = field(default=())
    """A document each, in the order in which they settled."""
    seconds: float = 0.0
    """By the clock, start of the worker processes included."""

    def __add__(self, other: PdfStatistics) -> PdfStatistics:
        return PdfStatistics([*self.results, *other.results], self.seconds + other.seconds)

    @property
    def total(self) -> int:
        """Documents."""
        return len(self.results)

    @property
    def succeeded(self) -> int:
        """Documents with rows."""
        return self._count("written")

    @property
    def failed(self) -> int:
        """Documents that were rejected."""
        return self._count("rejected")

    @property
    def skipped(self) -> int:
        """Documents that needed no work."""
        return self._count("skipped")

    @property
    def pages(self) -> int:
        """Of the documents that succeeded."""
        return sum(result.pages for result in self.results)

    @property
    def documents_per_hour(self) -> float:
        """Succeeded, failed and skipped."""
        return self.total / self.seconds * 3600 if self.seconds else 0.0

    @property
    def pages_per_second(self) -> float:
        """By the clock, all workers together."""
        return self.pages / self.seconds if self.seconds else 0.0

    @property
    def mean_seconds(self) -> float:
        """A document's own, whatever ran beside it."""
        return sum(result.seconds for result in self.results) / self.total if self.total else 0.0

    @property
    def slowest(self) -> list[DocumentResult]:
        """At most ten, the slowest first."""
        return heapq.nlargest(SLOWEST, self.results, key=lambda result: result.seconds)

    def to_json(self) -> dict[str, Any]:
        """Without the results one by one: as long as it is for ten documents."""
        return {
            "total": self.total,
            "succeeded": self.succeeded,
            "failed": self.failed,
            "skipped": self.skipped,
            "pages": self.pages,
            "ocr_pages": sum(result.ocr_pages for result in self.results),
            "needs_ocr_pages": sum(result.needs_ocr_pages for result in self.results),
            "seconds": round(self.seconds, 3),
            "documents_per_hour": round(self.documents_per_hour, 1),
            "pages_per_second": round(self.pages_per_second, 1),
            "mean_seconds": round(self.mean_seconds, 4),
            "slowest": [[result.document_uuid, round(result.seconds, 4)] for result in self.slowest],
        }

    def _count(self, outcome: str) -> int:
        return sum(result.outcome == outcome for result in self.results)
