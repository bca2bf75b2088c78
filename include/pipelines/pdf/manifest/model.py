"""One document of a manifest, and what may be wrong with it."""

from __future__ import annotations

import json
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, field_validator

from include.pipelines.pdf.tables import MAX_PATH

LANGUAGE_PATTERN = r"^[A-Za-z][A-Za-z0-9_]{1,30}(\+[A-Za-z][A-Za-z0-9_]{1,30}){0,4}$"
"""Names of Tesseract's languages; they become words of a command line."""

MAX_METADATA_BYTES = 64 * 1024
MAX_FIELD_NAME = 50

_EXPECTED = {
    "document_uuid": "must be a UUID",
    "project_uuid": "must be a UUID",
    "file_path": f"must be a text of 1 to {MAX_PATH} characters without NUL",
    "metadata": f"must be an object of at most {MAX_METADATA_BYTES} bytes as JSON",
    "language": "must name languages as Tesseract does: eng, or deu+fra",
    "bytes": "must be a whole number, 0 or more",
}


class ManifestDocument(BaseModel):
    """A document to read. Values never appear in its errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, cache_strings="none")

    document_uuid: UUID
    """Names the document for ever."""
    file_path: Annotated[str, Field(strict=True, min_length=1, max_length=MAX_PATH, pattern=r"^[^\x00]*$")]
    """Where it lies, as the source of documents names places."""
    project_uuid: UUID
    metadata: dict[str, JsonValue] | None = None
    """Stored beside the document, and not looked into."""
    language: Annotated[str, Field(pattern=LANGUAGE_PATTERN)] | None = None
    """Of OCR; None takes the setting's."""
    bytes: Annotated[int, Field(strict=True, ge=0)] | None = None
    """Where whoever made the manifest knows it: only the balance of batches looks at it."""

    @field_validator("metadata")
    @classmethod
    def _is_bounded(cls, metadata: dict[str, JsonValue] | None) -> dict[str, JsonValue] | None:
        if metadata is not None and len(json.dumps(metadata, allow_nan=False)) > MAX_METADATA_BYTES:
            raise ValueError
        return metadata

    @property
    def key(self) -> str:
        """The record's key."""
        return str(self.document_uuid)

    @property
    def metadata_json(self) -> str | None:
        """The same text for the same object, whatever the order of its fields."""
        return None if self.metadata is None else json.dumps(self.metadata, sort_keys=True, ensure_ascii=False)


def faults_of(error: ValidationError) -> list[str]:
    """A sentence a fault: the field, and what it must be; no values."""
    found = error.errors(include_input=False, include_context=False, include_url=False)
    return sorted({_sentence(str(one["loc"][0]) if one["loc"] else "", one["type"]) for one in found})


def _sentence(field: str, kind: str) -> str:
    if not field:
        return "is not JSON" if kind == "json_invalid" else "is not a JSON object"
    if kind == "missing":
        return f"{field} is missing"
    if kind == "extra_forbidden":
        name = field if len(field) <= MAX_FIELD_NAME else f"{field[:MAX_FIELD_NAME]}…"
        return f"{name!r} is no field of a document: what is not read belongs into metadata"
    return f"{field} {_EXPECTED[field]}"
