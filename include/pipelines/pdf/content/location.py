"""What a source tells a worker process: which document, and where its bytes are."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A regular file, pinned by what the file system said of it when it was located."""

    path: str
    """Absolute, without symbolic links."""
    size: int
    modified_ns: int
    device: int
    inode: int


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """An object behind a URL that carries its own permission: the worker process needs no credentials and no SDK."""

    url: str = field(repr=False)
    """`http` or `https`. Never logged: a presigned one is a key to the object."""
    etag: str
    """As the header has it, with its quotes; another one at reading is `pdf.source_changed`."""
    size: int


Location = LocalFile | RemoteFile


@dataclass(frozen=True, slots=True)
class ObjectPin:
    """What an object in a store was when a listing or a manifest named it."""

    etag: str
    """As the header has it, with its quotes."""
    size: int | None
    """None where only the ETag is known."""


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
