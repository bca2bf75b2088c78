"""What a document gives, without the tables that take it: worker processes load no SQLAlchemy for it."""

from __future__ import annotations

from typing import NamedTuple

DOCUMENTS = "documents"
PAGES = "document_pages"


class DocumentRow(NamedTuple):
    """A row of `documents`; its fields are the columns, in their order."""

    document_uuid: str
    project_uuid: str
    file_path: str
    bytes: int
    sha256: str
    pages: int
    characters: int
    language: str | None
    extractor: str
    ocr_pages: int
    needs_ocr_pages: int
    seconds: float
    metadata: str | None
    etag: str | None
