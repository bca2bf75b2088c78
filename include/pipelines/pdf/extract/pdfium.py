"""Documents by PDFium, which is not thread-safe: one thread of a process at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from math import sqrt

import pypdfium2
import pypdfium2.raw as pdfium
from pypdfium2.version import PDFIUM_INFO, PYPDFIUM_INFO

from include.engine.errors import RecordRejected
from include.pipelines.pdf.extract.images import image_share
from include.pipelines.pdf.extract.mend import mend, unmapped_share
from include.pipelines.pdf.extract.page import POINTS_PER_INCH, PageText, Picture

SAMPLED_CHARACTERS = 20
"""Of a page; PDFium is asked one by one which ones its font does not map."""

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
        return map(self._open, range(len(self)))

    @contextmanager
    def _open(self, index: int) -> Iterator[PdfiumPage]:
        try:
            page = self._document[index]
        except pypdfium2.PdfiumError:
            raise RecordRejected("pdf.broken_page", f"page {index + 1} cannot be read") from None
        try:
            yield PdfiumPage(page, index + 1)
        finally:
            page.close()


class PdfiumPage:
    """An open page."""

    def __init__(self, page: pypdfium2.PdfPage, number: int) -> None:
        self._page = page
        self._number = number

    def text(self) -> PageText:
        """The whole text layer, in the order that PDFium finds by the lines; raises `pdf.broken_page`."""
        try:
            layer = self._page.get_textpage()
        except pypdfium2.PdfiumError:
            raise RecordRejected("pdf.broken_page", f"the text of page {self._number} cannot be read") from None
        try:
            text = mend(layer.get_text_range())
            unmapped = max(unmapped_share(text), _share_without_mapping(layer))
        finally:
            layer.close()
        return PageText(text, image_share(self._page, len(text)), unmapped)

    def picture(self, dpi: int, max_pixels: int) -> Picture:
        """With annotations; forms as they are filled in are left out."""
        width, height = (side / POINTS_PER_INCH for side in self._page.get_size())
        fitting = min(dpi, int(sqrt(max_pixels / max(width * height, 1e-9))))
        if fitting < POINTS_PER_INCH:
            raise RecordRejected(
                "pdf.page_too_large",
                f"page {self._number} measures {width:.0f} x {height:.0f} inches: at {POINTS_PER_INCH} dpi it has "
                f"more than the {max_pixels} pixels allowed",
            )
        bitmap = self._page.render(scale=fitting / POINTS_PER_INCH, grayscale=True, may_draw_forms=False)
        try:
            return Picture(bitmap.width, bitmap.height, _packed(bitmap), fitting)
        finally:
            bitmap.close()


def _share_without_mapping(layer: pypdfium2.PdfTextPage) -> float:
    handle, count = layer.raw, layer.count_chars()
    sampled = range(0, count, max(1, count // SAMPLED_CHARACTERS))
    failed = pdfium.FPDFText_HasUnicodeMapError
    return [failed(handle, at) for at in sampled].count(1) / len(sampled) if count else 0.0


def _packed(bitmap: pypdfium2.PdfBitmap) -> bytes:
    """Without the bytes that fill up each line."""
    whole = memoryview(bitmap.buffer).cast("B")
    if bitmap.stride == bitmap.width:
        return bytes(whole)
    starts = range(0, bitmap.stride * bitmap.height, bitmap.stride)
    return b"".join(whole[start : start + bitmap.width] for start in starts)
