"""Documents by pypdf: slower, and able to read some that PDFium refuses."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import BinaryIO

import pypdf

from include.engine.errors import RecordRejected
from include.pipelines.pdf.extract.mend import mend, unmapped_share
from include.pipelines.pdf.extract.page import PageText

# It quotes what it reads.
logging.getLogger("pypdf").setLevel(logging.CRITICAL + 1)


class PypdfDocument:
    """Opened from a file. Any error of the library, which raises many kinds, is a broken document."""

    extractor = f"pypdf {pypdf.__version__}"

    def __init__(self, file: BinaryIO) -> None:
        """Raises `RecordRejected`: `pdf.password`, `pdf.broken`, `pdf.no_pages`."""
        try:
            reader = pypdf.PdfReader(file, strict=False)
            if reader.is_encrypted and not reader.decrypt(""):
                raise RecordRejected("pdf.password", "it opens with a password only: supply a copy without one")
            self._pages = list(reader.pages)
        except (RecordRejected, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 - the library raises whatever its code meets
            message = f"neither PDFium nor pypdf can read it: {type(error).__name__}"
            raise RecordRejected("pdf.broken", message) from None
        if not self._pages:
            raise RecordRejected("pdf.no_pages", "it has no pages that can be read")

    def __len__(self) -> int:
        return len(self._pages)

    def pages(self) -> Iterator[AbstractContextManager[PypdfPage]]:
        """In order."""
        return (nullcontext(PypdfPage(page, number)) for number, page in enumerate(self._pages, 1))


@dataclass(frozen=True, slots=True)
class PypdfPage:
    """A page."""

    page: pypdf.PageObject
    number: int

    def text(self) -> PageText:
        """The text layer in the order of the page's content; nothing is known of images."""
        try:
            text = mend(self.page.extract_text())
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            message = f"pypdf cannot read page {self.number}: {type(error).__name__}"
            raise RecordRejected("pdf.broken_page", message) from None
        return PageText(text, None, unmapped_share(text))

    def picture(self, dpi: int, max_pixels: int) -> None:
        """This library draws no pages."""
        del dpi, max_pixels
