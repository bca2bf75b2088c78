"""Where a file's bytes are, and what it was when somebody looked."""

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
    """As the header has it, with its quotes; another one at reading is `file.source_changed`."""
    size: int


Location = LocalFile | RemoteFile


@dataclass(frozen=True, slots=True)
class ObjectPin:
    """What an object in a store was when a listing or a manifest named it."""

    etag: str
    """As the header has it, with its quotes."""
    size: int | None
    """None where only the ETag is known."""
