"""Record keys as the house tables hold them."""

from __future__ import annotations

import hashlib

from include.engine.errors import RecordRejected
from include.engine.model import Key
from include.warehouse.tables import MAX_KEY
from include.warehouse.target import MAX_NAME

MIN_NUMBER, MAX_NUMBER = -(2**63), 2**63 - 1
"""A BIGINT."""


def key_fault(key: Key) -> RecordRejected | None:
    """Why the warehouse cannot hold this key as it is; such a record settles as rejected."""
    if isinstance(key, int):
        if MIN_NUMBER <= key <= MAX_NUMBER:
            return None
        return RecordRejected("key.out_of_range", "a numeric key takes 64 bits")
    if key.isascii() and 0 < len(key) <= MAX_KEY and key[-1] != " " and "\0" not in key:
        return None
    found = _text_fault(key)
    return RecordRejected(*found) if found else None


def _text_fault(key: str) -> tuple[str, str] | None:
    units = len(key.encode("utf-16-le", "surrogatepass")) // 2
    faults = (
        (not key, "key.empty", "the key is empty"),
        ("\0" in key, "key.nul", "the key has a NUL character"),
        # SQL Server ignores trailing blanks in comparisons: two keys would be one.
        (
            key.endswith(" "),
            "key.trailing_blank",
            "the key ends in a blank: of a char(n) column, read a view with RTRIM of it",
        ),
        (units > MAX_KEY, "key.too_long", f"a key takes {MAX_KEY} UTF-16 units, got {units}"),
        (any("\ud800" <= unit <= "\udfff" for unit in key), "key.surrogate", "the key has half of a surrogate pair"),
    )
    return next(((code, message) for found, code, message in faults if found), None)


def version_fault(version: str | None) -> RecordRejected | None:
    """Why the warehouse cannot hold this version, which would compare wrong if it were cut."""
    if version is None or (version.isascii() and len(version) <= MAX_NAME and "\0" not in version):
        return None
    return RecordRejected("version.text", f"a version takes {MAX_NAME} ASCII characters without NUL")


def stored_key(key: Key) -> str:
    """The text of a key; of one that cannot be held, its digest."""
    if key_fault(key) is None:
        return str(key)
    # Hexadecimal: Python refuses to write very long numbers in decimals.
    text = hex(key) if isinstance(key, int) else key
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def is_digest(stored: str) -> bool:
    """Whether this stands for a key that could not be held, and so cannot be read back."""
    return stored.startswith("sha256:") and len(stored) == 71
