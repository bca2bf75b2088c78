"""One document of a manifest, and what may be wrong with it."""

from __future__ import annotations

import json
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, field_validator

from include.connections.files.location import ObjectPin
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
    "etag": "must be the ETag of an object in S3, up to 200 characters",
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
    """Where whoever made the manifest knows it: for the balance of batches, and with an ETag for what is read."""
    etag: Annotated[str, Field(pattern=r'^"?[!#-~]{1,200}"?$')] | None = None
    """Of an object in S3: an object that has another one by now is not read. With quotes or without."""

    @field_validator("metadata")
    @classmethod
    def _is_bounded(cls, metadata: dict[str, JsonValue] | None) -> dict[str, JsonValue] | None:
        if metadata is not None and len(json.dumps(metadata, allow_nan=False)) > MAX_METADATA_BYTES:
            raise ValueError
        return metadata

    @field_validator("etag")
    @classmethod
    def _has_quotes(cls, etag: str | None) -> str | None:
        return None if etag is None else '"' + etag.strip('"') + '"'

    @property
    def pin(self) -> ObjectPin | None:
        """What the object was when the entry was made, as far as it says."""
        return None if self.etag is None else ObjectPin(self.etag, self.bytes)

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
