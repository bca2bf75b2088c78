"""From a row of the source table to a record: what cannot be read becomes a fault of that record alone."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from include.engine.errors import FatalError, RecordRejected
from include.engine.model import Key, Record
from include.pipelines.xml.document.encoding import Utf8
from include.pipelines.xml.source.change_dates import version_of


def record_of(row: Sequence[Any]) -> Record:
    """Of key, document, the document's storage class (SQLite's, else NULL) and change date.

    Here, since both the hash and the parser want bytes: the reader has time, the workers have not.
    """
    key, found, storage, changed = row
    fault: RecordRejected | None = None
    version: str | None = None
    document: Utf8 | str | bytes | None = None
    size = len(found) if isinstance(found, str | bytes | bytearray | memoryview) else 0
    try:
        document = _document(found, storage)
        size = len(document)
        version = version_of(changed)
    except RecordRejected as rejected:
        fault = rejected
    return Record(key_of(key), document, size, version, fault)


def _document(found: object, storage: str | None) -> Utf8 | str | bytes:
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


def missing_record(key: Key) -> Record:
    """Of a key that was asked for by name."""
    fault = RecordRejected("source.missing", "the source has no record of this key")
    return Record(key, None, fault=fault)
