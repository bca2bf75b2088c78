"""Generated PDF documents and their manifest: for the demo and the tests, without a library that writes PDF.

Every document depends on (seed, number) alone.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import NAMESPACE_URL, UUID, uuid5

from include.sandbox.pdf_writer import scanned_pdf, text_pdf

PROJECT = uuid5(NAMESPACE_URL, "headrace://sandbox/documents")

LINES, WORDS = 40, 12
"""Of a page, and of a line."""
MAX_PAGES = 6

_TEXT = (
    "the court finds that this claim of the applicant is well founded and orders each party to bear its own costs "
    "of the appeal which was heard in the second chamber after the documents had been filed with the registry"
)


@dataclass(frozen=True, slots=True)
class DocumentSample:
    """What was written."""

    manifest: Path
    documents: int
    pages: int
    """Of the sound documents."""
    scanned: int
    broken: int
    total_bytes: int


def document_lines(number: int, seed: int = 1) -> list[list[str]]:
    """One to six pages of words."""
    words = _TEXT.split()
    draw = random.Random(f"{seed}/{number}")  # noqa: S311 - looks like text, guards nothing
    pages = draw.randint(1, MAX_PAGES)
    heading = f"Document {number} of the case"
    return [
        [f"{heading}, page {page}", *(" ".join(draw.choices(words, k=WORDS)) for _ in range(LINES))]
        for page in range(1, pages + 1)
    ]


def document_key(number: int) -> UUID:
    """As the manifest names it."""
    return uuid5(PROJECT, str(number))


def write_documents(folder: Path, count: int, *, seed: int = 1, scanned: int = 1, broken: int = 0) -> DocumentSample:
    """Write `<number>.pdf` and `manifest.ndjson` into a folder, made if it is not there.

    The first documents are scans, pictures of one page of text each; the last ones break off in the middle.
    """
    folder.mkdir(parents=True, exist_ok=True)
    manifest = folder / "manifest.ndjson"
    pages = total_bytes = 0
    with manifest.open("w", encoding="utf-8") as lines:
        lines.write(json.dumps({"id": "sandbox"}) + "\n")
        for number in range(count):
            text = document_lines(number, seed)
            content = scanned_pdf(text[0]) if number < scanned else text_pdf(text)
            if number >= count - broken:
                content = content[: len(content) // 2]
            else:
                pages += 1 if number < scanned else len(text)
            (folder / f"{number}.pdf").write_bytes(content)
            total_bytes += len(content)
            lines.write(json.dumps(_entry(number, len(content), text)) + "\n")
    return DocumentSample(manifest, count, pages, scanned, broken, total_bytes)


def _entry(number: int, size: int, text: Sequence[Sequence[str]]) -> dict[str, object]:
    return {
        "document_uuid": str(document_key(number)),
        "project_uuid": str(PROJECT),
        "file_path": f"{number}.pdf",
        "bytes": size,
        "metadata": {"title": text[0][0]},
    }
