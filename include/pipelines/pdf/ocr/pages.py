"""Where the text of a page comes from: its text layer, OCR, or nowhere yet."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import Literal

from include.pipelines.pdf.extract.mend import mend
from include.pipelines.pdf.extract.page import Page, PageText
from include.pipelines.pdf.ocr.cache import OcrCache
from include.pipelines.pdf.ocr.tesseract import OcrFailed, Tesseract

OcrMode = Literal["auto", "never", "always"]
TextSource = Literal["text", "ocr", "needs_ocr"]

FEW_CHARACTERS = 50
"""Blanks not counted: a stamp or a page number on a scan has no more."""
MOSTLY_IMAGE = 0.5
MOSTLY_UNMAPPED = 0.5
"""Shares from which a page with few characters, or with unreadable ones, is one for OCR."""

PAGE_TIMEOUT_S = 120.0
"""Of OCR of one page; a page of dense print takes two to five seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OcrRules:
    """When and how pages are read by OCR."""

    mode: OcrMode = "auto"
    language: str = "eng"
    """Where the manifest names none."""
    dpi: int = 200
    max_pixels: int = 25_000_000
    """Of a rendered page; the resolution of a larger one is lowered, down to 72 dpi."""
    max_seconds: float = 300.0
    """Of a document, or of a range of its pages: those that are left then need OCR still, and the ones before them are
    in the cache."""
    cache_folder: str | None = None


@dataclass(frozen=True, slots=True)
class ReadPage:
    """What is stored of a page."""

    text: str
    source: TextSource
    image_share: float | None


class PageReader:
    """Reads the pages of one document."""

    def __init__(
        self, rules: OcrRules, tesseract: Tesseract | None, cache: OcrCache | None, sha256: str, language: str | None
    ) -> None:
        self._rules = rules
        self._tesseract = tesseract
        self._cache = cache
        self._sha256 = sha256
        self._language = language or rules.language
        self._deadline = time.monotonic() + rules.max_seconds
        self.notes: Counter[str] = Counter()
        """How many pages were read by OCR, or need it and why not, by name."""
        self.goes_on = False
        """Time ran out, and the cache keeps what was found: the next run reads some more."""

    def read(self, page: Page, number: int) -> ReadPage:
        """`number` counts from 1. Raises `RecordRejected` as the page does."""
        layer = page.text()
        if self._rules.mode != "always" and not wants_ocr(layer):
            return ReadPage(layer.text, "text", layer.image_share)
        found = self._find(page, number)
        if found is None:
            self.notes["needs_ocr pages"] += 1
            return ReadPage(layer.text, "needs_ocr", layer.image_share)
        if not found and layer.text:
            return ReadPage(layer.text, "text", layer.image_share)
        self.notes["ocr pages"] += 1
        return ReadPage(found, "ocr", layer.image_share)

    def _find(self, page: Page, number: int) -> str | None:
        tesseract = self._tesseract
        if self._rules.mode == "never" or tesseract is None or not tesseract.knows(self._language):
            self._note_absence()
            return None
        place = self._sha256, number, self._language, self._rules.dpi
        cached = self._cache.get(*place) if self._cache else None
        return cached if cached is not None else self._look(tesseract, page, place)

    def _look(self, tesseract: Tesseract, page: Page, place: tuple[str, int, str, int]) -> str | None:
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            self._note_lack_of_time()
            return None
        picture = page.picture(self._rules.dpi, self._rules.max_pixels)
        if picture is None:
            self.notes["ocr_not_drawn pages"] += 1
            return None
        try:
            found = mend(tesseract.read(picture, self._language, min(left_s, PAGE_TIMEOUT_S)))
        except OcrFailed:
            if time.monotonic() >= self._deadline:
                self._note_lack_of_time()
            else:
                self.notes["ocr_failed pages"] += 1
            return None
        if self._cache and not self._cache.put(*place, found):
            self.notes["ocr_not_cached pages"] += 1
        return found

    def _note_lack_of_time(self) -> None:
        self.notes["ocr_out_of_time pages"] += 1
        self.goes_on = self._cache is not None

    def _note_absence(self) -> None:
        if self._rules.mode != "never":
            reason = "ocr_not_installed" if self._tesseract is None else f"ocr_language_missing {self._language}"
            self.notes[f"{reason} pages"] += 1


def wants_ocr(layer: PageText) -> bool:
    """Whether a text layer does not say what the page does: hardly any text on an image, or unreadable characters."""
    may_be_scan = layer.image_share is None or layer.image_share >= MOSTLY_IMAGE
    if not may_be_scan and layer.unmapped_share < MOSTLY_UNMAPPED:
        return False  # most pages: their characters need not be counted
    characters = len("".join(layer.text.split()))
    if characters and layer.unmapped_share >= MOSTLY_UNMAPPED:
        return True
    if layer.image_share is None:
        return not characters
    return may_be_scan and characters < FEW_CHARACTERS
