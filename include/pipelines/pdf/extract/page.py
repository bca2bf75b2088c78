"""What the extractors have in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

POINTS_PER_INCH = 72


@dataclass(frozen=True, slots=True)
class PageText:
    """The text layer of a page, mended."""

    text: str
    image_share: float | None
    """Share of the page that images cover, 0 to 1; None where the extractor cannot tell."""
    unmapped_share: float
    """Share of characters of which the font does not say what they mean, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A page in grey."""

    width: int
    height: int
    grey: bytes
    """A byte a pixel, line by line from the top."""
    dpi: int


class Page(Protocol):
    """An open page."""

    def text(self) -> PageText:
        """Raises `RecordRejected`."""
        ...

    def picture(self, dpi: int, max_pixels: int) -> Picture | None:
        """At this resolution, or at the highest one down to 72 that the limit allows; None where nothing draws it.

        Raises `RecordRejected` (`pdf.page_too_large`) when 72 is too much.
        """
        ...


class Document(Protocol):
    """An open document."""

    @property
    def extractor(self) -> str:
        """Name and version of the library."""
        ...

    def __len__(self) -> int:
        """Pages."""
        ...

    def pages(self) -> Iterator[AbstractContextManager[Page]]:
        """In order; each is open within its context only."""
        ...
