"""What a batch refers to: half-open ranges over a source, never records or lists of keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

Key = str | int
"""Names a record for ever. Numbers sort as numbers, text by code point."""


@dataclass(frozen=True, slots=True)
class KeyRange:
    """Keys in `[lower, upper)`; None is an open end."""

    lower: Key | None
    upper: Key | None


@dataclass(frozen=True, slots=True)
class LineRange:
    """Lines in `[first_line, last_line)`, 0-based, at bytes `[start, end)` of a pinned file."""

    uri: str
    pin: str
    """ETag or `sha256:…` of the file when it was planned; another one at reading is `SourceChanged`."""
    first_line: int
    last_line: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ByteRange:
    """The lines that *start* at a byte in `[start, end)` of a pinned file."""

    uri: str
    pin: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class KeyListRange:
    """Positions in `[first, last)`, 0-based, of a list of keys stored in the warehouse."""

    list_id: str
    first: int
    last: int
    pin: str | None = None
    """Digest of the keys that were planned; others at reading are `SourceChanged`. None: whatever is there is read."""


@dataclass(frozen=True, slots=True)
class NamedSlice:
    """Of what the source calls `name`, the records at texts in `[lower, upper)`; None is an open end.

    What the text is (a moment, a position) and that it sorts by code point is the source's affair.
    """

    name: str
    lower: str | None
    upper: str | None


@dataclass(frozen=True, slots=True)
class RowRange:
    """Rows at positions `[first, last)`, 0-based, of a pinned table whose first line names its columns."""

    uri: str
    pin: str
    """As that of a `LineRange`."""
    form: str
    """How the file is read (encoding, delimiter, sheet): the source's affair."""
    first: int
    last: int
    start: int
    end: int
    """The rows are at bytes `[start, end)`; both are 0 where the format has no rows at bytes."""
    line: int
    """The line of the file, 1-based, at which the first row is looked for: a row may take several, or have blank ones
    before it."""


Part = KeyRange | LineRange | ByteRange | KeyListRange | NamedSlice | RowRange

_PARTS: dict[str, type[Any]] = {
    "key_range": KeyRange,
    "line_range": LineRange,
    "byte_range": ByteRange,
    "key_list": KeyListRange,
    "named_slice": NamedSlice,
    "row_range": RowRange,
}
_KINDS = {part: kind for kind, part in _PARTS.items()}


def part_to_json(part: Part) -> dict[str, Any]:
    """Its fields and its kind, plain."""
    return {"kind": _KINDS[type(part)], **asdict(part)}


def part_from_json(fields: Mapping[str, Any]) -> Part:
    """The inverse; raises `KeyError` or `TypeError` for fields that are none of a part."""
    given = dict(fields)
    part: Part = _PARTS[given.pop("kind")](**given)
    return part


def part_label(part: Part) -> str:
    """For people: keys and positions only."""
    match part:
        case KeyRange(lower, upper):
            return f"{'…' if lower is None else lower} to {'…' if upper is None else upper}"
        case LineRange():
            return f"lines {part.first_line} to {part.last_line}"
        case ByteRange():
            return f"bytes {part.start} to {part.end}"
        case RowRange():
            return f"rows {part.first} to {part.last}"
        case KeyListRange():
            return f"listed keys {part.first} to {part.last}"
        case NamedSlice(name, lower, upper):
            return name if lower is None and upper is None else f"{name}, {lower or '…'} to {upper or '…'}"
