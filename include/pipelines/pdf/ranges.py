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
from include.engine.model import NotedRows, Row, Rows, noticed
from include.pipelines.pdf.content.work import DocumentWork
from include.pipelines.pdf.extract.language import guess_language, sample
from include.pipelines.pdf.rows import DOCUMENTS, PAGES, DocumentRow


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
    """The rows of the whole document, as if one process had read it; raises `RecordRejected` (`pdf.too_much_text`)."""
    rows = [DocumentRow(*part[DOCUMENTS][0]) for part in parts]
    characters = sum(row.characters for row in rows)
    if characters > max_characters:
        message = f"more than {max_characters} characters: raise max_characters"
        raise RecordRejected("pdf.too_much_text", message)
    warnings, marks = noticed(parts)
    pages: list[Row] = [page for part in parts for page in part[PAGES]]
    whole: Row = rows[0]._replace(
        pages=len(pages),
        characters=characters,
        language=guess_language(sample(text for _, _, text, *_ in pages)),
        extractor=", ".join(dict.fromkeys(row.extractor for row in rows)),
        ocr_pages=sum(row.ocr_pages for row in rows),
        needs_ocr_pages=sum(row.needs_ocr_pages for row in rows),
        seconds=sum(row.seconds for row in rows),
    )
    return NotedRows({DOCUMENTS: [whole], PAGES: pages}, warnings, marks)
