"""One resource as one record: `Patient/123`, its version the moment of its last change, its content the JSON text."""

from __future__ import annotations

import hashlib

import msgspec

from include.engine.errors import RecordRejected
from include.engine.model import Record
from include.pipelines.fhir.client.json_text import Resource, write_object
from include.pipelines.fhir.moments import version_of
from include.pipelines.fhir.views.resources import key_from

_encode = msgspec.json.Encoder(decimal_format="number").encode


class _Meta(msgspec.Struct, rename="camel"):
    last_updated: str | None = None


class _Head(msgspec.Struct, rename="camel"):
    """What the reader needs of a resource: the rest is skipped, at a quarter of the time that all of it takes."""

    resource_type: str | None = None
    id: str | None = None
    meta: _Meta | None = None


_read_head = msgspec.json.Decoder(_Head).decode
_read_any = msgspec.json.Decoder().decode


def record_of(text: bytes, undated_version: str | None = None) -> Record:
    """A record of a resource's JSON text; one that cannot be known by its key comes with a fault.

    `undated_version` is that of a resource without `meta.lastUpdated`; without one the last that is read counts.
    """
    try:
        head = _head_of(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return _unnamed(text, "fhir.unreadable", f"not the JSON of a resource: {_safe(error)}")
    except RecursionError:
        return _unnamed(text, "fhir.unreadable", "not the JSON of a resource: nested too deeply")
    key = key_from(head.resource_type, head.id)
    if key is None:
        return _unnamed(text, "fhir.no_id", "the resource has no type and id of FHIR's form: nothing can name its rows")
    version = version_of(head.meta.last_updated) if head.meta is not None else None
    return Record(key, text, len(text), undated_version if version is None else version)


def deletion_of(resource_type: str, resource_id: str, version: str) -> Record:
    """A record without content: the server has deleted the resource by the moment `version`."""
    return Record(f"{resource_type}/{resource_id}", None, 0, version)


def resource_text(resource: Resource) -> bytes:
    """JSON text of a resource that a server sent, every digit as it was."""
    try:
        return _encode(resource)
    except (UnicodeEncodeError, ValueError, OverflowError, RecursionError):
        pass  # half a surrogate pair: JSON can write it, and reading it will say what is wrong with it
    try:
        return write_object(resource).encode()
    except RecursionError:
        return b""


def resource_type_of(record: Record) -> str:
    """By its key."""
    return str(record.key).partition("/")[0]


def unread_record(digest: str, size: int, why: str, code: str = "fhir.unreadable") -> Record:
    """A record of text without a key: the same digest gives the same one, and tells nothing of the text."""
    return Record(f"unreadable/{digest[:32]}", None, size, fault=RecordRejected(code, why))


def _unnamed(text: bytes, code: str, why: str) -> Record:
    return unread_record(hashlib.sha256(text).hexdigest(), len(text), why, code)


def _head_of(text: bytes) -> _Head:
    """Raises as the decoder does; a fault beside the key leaves the key known, so that it costs no other record's."""
    try:
        return _read_head(text)
    except msgspec.ValidationError as error:
        found = _read_any(text)
        if not isinstance(found, dict) or key_from(found.get("resourceType"), found.get("id")) is None:
            raise error from None
    meta = found.get("meta")
    last_updated = meta.get("lastUpdated") if isinstance(meta, dict) else None
    known = _Meta(last_updated) if isinstance(last_updated, str) else None
    return _Head(found["resourceType"], found["id"], known)


def _safe(error: Exception) -> str:
    """The parser's messages name types and places; those of the decoder hold the bytes."""
    return "not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
