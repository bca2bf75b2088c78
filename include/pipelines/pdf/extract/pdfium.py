"""Documents by PDFium, which is not thread-safe: one thread of a process at a time.

Text is read by its bare functions, which takes a twentieth of the time less than by the helpers of pypdfium2.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from math import sqrt
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium
from pypdfium2.version import PDFIUM_INFO, PYPDFIUM_INFO

from include.engine.errors import RecordRejected
from include.pipelines.pdf.extract.functions import is_unmapped
from include.pipelines.pdf.extract.images import image_share
from include.pipelines.pdf.extract.mend import mend, unmapped_share
from include.pipelines.pdf.extract.page import POINTS_PER_INCH, PageText, Picture

SAMPLED_CHARACTERS = 20
"""Of a page; PDFium is asked one by one which ones its font does not map."""

Handle = Any
"""A pointer of PDFium's."""

_REFUSALS = {
    pdfium.FPDF_ERR_PASSWORD: ("pdf.password", "it opens with a password only: supply a copy without one"),
    pdfium.FPDF_ERR_SECURITY: ("pdf.encryption", "it is encrypted in a way that is not supported"),
}
_BROKEN = ("pdf.broken", "its structure cannot be read, not even repaired")


class PdfiumDocument:
    """Opened from a path; to be closed before what it was opened from. Pages must not be used after it."""

    extractor = f"pypdfium2 {PYPDFIUM_INFO.version} pdfium {PDFIUM_INFO.build}"

    def __init__(self, path: str) -> None:
        """Raises `RecordRejected`: `pdf.password`, `pdf.encryption`, `pdf.broken`, `pdf.no_pages`."""
        # Not by PdfDocument(path): it resolves the name of a descriptor to a path, and opens that one again.
        handle = pdfium.FPDF_LoadDocument(path.encode() + b"\0", None)
        if not handle:
            raise RecordRejected(*_REFUSALS.get(pdfium.FPDF_GetLastError(), _BROKEN))
        self._document = pypdfium2.PdfDocument(handle)
        if not len(self._document):
            self._document.close()
            raise RecordRejected("pdf.no_pages", "it has no pages that can be read")

    def __enter__(self) -> PdfiumDocument:
        return self

    def __exit__(self, *_: object) -> None:
        self._document.close()

    def __len__(self) -> int:
        return len(self._document)

    def pages(self) -> Iterator[AbstractContextManager[PdfiumPage]]:
        """In order."""
        return map(self.page, range(len(self)))

    @contextmanager
    def page(self, index: int) -> Iterator[PdfiumPage]:
        """One page, counted from 0; raises `pdf.broken_page`."""
        handle = pdfium.FPDF_LoadPage(self._document.raw, index)
        if not handle:
            raise RecordRejected("pdf.broken_page", f"page {index + 1} cannot be read")
        try:
            yield PdfiumPage(self._document, handle, index)
        finally:
            pdfium.FPDF_ClosePage(handle)


class PdfiumPage:
    """An open page."""

    def __init__(self, document: pypdfium2.PdfDocument, handle: Handle, index: int) -> None:
        self._document = document
        self._handle = handle
        self._index = index

    def text(self) -> PageText:
        """The whole text layer, in the order that PDFium finds by the lines; raises `pdf.broken_page`."""
        layer = pdfium.FPDFText_LoadPage(self._handle)
        if not layer:
            raise RecordRejected("pdf.broken_page", f"the text of page {self._index + 1} cannot be read")
        try:
            count = max(0, pdfium.FPDFText_CountChars(layer))
            text = mend(_text_of(layer, count))
            unmapped = max(unmapped_share(text), _share_without_mapping(layer, count))
        finally:
            pdfium.FPDFText_ClosePage(layer)
        return PageText(text, image_share(self._handle, len(text)), unmapped)

    def picture(self, dpi: int, max_pixels: int) -> Picture:
        """With annotations; forms as they are filled in are left out."""
        page = self._document[self._index]
        try:
            return self._drawn(page, dpi, max_pixels)
        finally:
            page.close()

    def _drawn(self, page: pypdfium2.PdfPage, dpi: int, max_pixels: int) -> Picture:
        width, height = (side / POINTS_PER_INCH for side in page.get_size())
        fitting = min(dpi, int(sqrt(max_pixels / max(width * height, 1e-9))))
        if fitting < POINTS_PER_INCH:
            raise RecordRejected(
                "pdf.page_too_large",
                f"page {self._index + 1} measures {width:.0f} x {height:.0f} inches: at {POINTS_PER_INCH} dpi it has "
                f"more than the {max_pixels} pixels allowed",
            )
        bitmap = page.render(scale=fitting / POINTS_PER_INCH, grayscale=True, may_draw_forms=False)
        try:
            return Picture(bitmap.width, bitmap.height, _packed(bitmap), fitting)
        finally:
            bitmap.close()


def _text_of(layer: Handle, count: int) -> str:
    """Of all characters but those at the ends that have no place in the text: PDFium's bug 2079 is about them."""
    place_of = pdfium.FPDFText_GetTextIndexFromCharIndex
    first, end = 0, count
    while first < end and place_of(layer, first) < 0:
        first += 1
    while first < end and place_of(layer, end - 1) < 0:
        end -= 1
    if first == end:
        return ""
    # It writes no more units of UTF-16 than there are characters, and a NUL.
    buffer = _units((count + 1).bit_length())()
    written = pdfium.FPDFText_GetText(layer, first, end - first, buffer)
    return ctypes.string_at(buffer, 2 * (written - 1)).decode("utf-16-le", "ignore")


@cache
def _units(bits: int) -> type[ctypes.Array[ctypes.c_ushort]]:
    """Few types, since to make one takes longer than to read a page's text."""
    return ctypes.c_ushort * (1 << bits)


def _share_without_mapping(layer: Handle, count: int) -> float:
    sampled = range(0, count, max(1, count // SAMPLED_CHARACTERS))
    return [is_unmapped(layer, at) for at in sampled].count(1) / len(sampled) if count else 0.0


def _packed(bitmap: pypdfium2.PdfBitmap) -> bytes:
    """Without the bytes that fill up each line."""
    whole = memoryview(bitmap.buffer).cast("B")
    if bitmap.stride == bitmap.width:
        return bytes(whole)
    starts = range(0, bitmap.stride * bitmap.height, bitmap.stride)
    return b"".join(whole[start : start + bitmap.width] for start in starts)
