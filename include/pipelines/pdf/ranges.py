"""Large documents in ranges of pages, which several worker processes read side by side.

Each of them opens the document for itself: a remote one is fetched once a range, pinned to the same state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from math import ceil

from include.engine.divided import Divided
from include.engine.errors import RecordRejected
from include.engine.model import NotedRows, Rows, noticed
from include.pipelines.pdf.content.work import DocumentWork
from include.pipelines.pdf.tables import DOCUMENTS, PAGES, pdf_target

_COLUMNS = pdf_target()[DOCUMENTS].columns
_SUMMED = [_COLUMNS.index(name) for name in ("pages", "characters", "ocr_pages", "needs_ocr_pages", "seconds")]
_CHARACTERS = _COLUMNS.index("characters")


def divided(work: DocumentWork, pages: int, part_pages: int, most_parts: int, max_characters: int) -> Divided | None:
    """Ranges of about the same number of pages, at least `part_pages` each; None for a document that is read whole."""
    parts = min(most_parts, pages // part_pages)
    if work.pages is not None or parts < 2:
        return None
    size = ceil(pages / parts)
    ranges = [(first, min(first + size, pages)) for first in range(0, pages, size)]
    merge = partial(merged, max_characters=max_characters)
    return Divided([replace(work, pages=pages_of) for pages_of in ranges], merge)


def merged(parts: Sequence[Rows], *, max_characters: int) -> NotedRows:
    """The rows of the whole document; raises `RecordRejected` (`pdf.too_much_text`)."""
    row = list(parts[0][DOCUMENTS][0])
    for position in _SUMMED:
        row[position] = sum(part[DOCUMENTS][0][position] for part in parts)
    if row[_CHARACTERS] > max_characters:
        message = f"more than {max_characters} characters: raise max_characters"
        raise RecordRejected("pdf.too_much_text", message)
    warnings, marks = noticed(parts)
    pages = [page for part in parts for page in part[PAGES]]
    return NotedRows({DOCUMENTS: [tuple(row)], PAGES: pages}, warnings, marks)
