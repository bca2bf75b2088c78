"""From a row of the source table to a record: what cannot be read becomes a fault of that record alone."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from include.engine.errors import FatalError, RecordRejected
from include.engine.model import Key, Record
from include.pipelines.xml.document.encoding import Utf8
from include.pipelines.xml.document.parser import too_large
from include.pipelines.xml.source.change_dates import version_of

TOO_LARGE = "too large"
"""In the place of a storage class: the database kept the document, which is larger than the limit."""


def record_of(row: Sequence[Any], max_bytes: int | None = None) -> Record:
    """Of key, document, the document's storage class (SQLite's, else NULL) and change date.

    Text becomes bytes here, since both the hash and the parser want bytes: the reader has time, the workers have not.
    What is larger than `max_bytes` for certain goes no further, nor is another copy of it made.
    """
    key, found, storage, changed = row
    fault: RecordRejected | None = None
    version: str | None = None
    document: Utf8 | str | bytes | None = None
    size = len(found) if isinstance(found, str | bytes | bytearray | memoryview) else 0
    try:
        document = _document(found, storage, max_bytes)
        size = len(document)
        version = version_of(changed)
    except RecordRejected as rejected:
        fault = rejected
    return Record(key_of(key), document, size, version, fault)


def _document(found: object, storage: str | None, max_bytes: int | None) -> Utf8 | str | bytes:
    if max_bytes is not None and (storage == TOO_LARGE or _is_larger(found, storage, max_bytes)):
        raise too_large(max_bytes)
    if storage == "text" and isinstance(found, bytes):
        return Utf8(found)
    if found is None:
        raise RecordRejected("source.null", "the document is NULL")
    if storage in (None, "blob"):
        if isinstance(found, str):
            return Utf8.of(found)
        if isinstance(found, bytes):
            return found
        if isinstance(found, bytearray | memoryview):
            return bytes(found)
    raise RecordRejected("source.type", "the document is neither text nor bytes")


def _is_larger(found: object, storage: str | None, max_bytes: int) -> bool:
    """As UTF-8, in which a character takes a byte at least; in bytes of another encoding it may have been four."""
    if isinstance(found, str):
        return len(found) > max_bytes
    return isinstance(found, bytes) and len(found) > max_bytes * (1 if storage == "text" else 4)


def key_of(value: object) -> Key:
    """Raises `FatalError`: a source whose keys are of no kind cannot be read at all."""
    if isinstance(value, int | str):
        return value
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    kind = "NULL" if value is None else f"a {type(value).__name__}"
    raise FatalError(
        f"key_column: a key of the source is {kind}, it must be an integer or text: read a view without it"
    )
