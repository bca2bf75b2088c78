"""What a source tells a worker process: which document, and where its bytes are."""

from __future__ import annotations

from dataclasses import dataclass

from include.connections.files.location import Location


@dataclass(frozen=True, slots=True)
class DocumentWork:
    """A record's payload."""

    document_uuid: str
    """In the usual form: lower case, with hyphens."""
    project_uuid: str
    file_path: str
    """As the manifest has it."""
    language: str | None
    """Of OCR, as Tesseract names languages (`deu+fra`); None takes the setting's."""
    metadata: str | None
    """A JSON object."""
    location: Location
    pages: tuple[int, int] | None = None
    """Pages `[first, last)`, 0-based, where this is a part of the document; None is all of it."""
