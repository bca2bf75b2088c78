"""Text of the house's own tables made such that every database holds it."""

from __future__ import annotations

import re

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
"""NUL, and halves of surrogate pairs: JSON may bring them in the names of fields."""


def storable(text: str, max_units: int) -> str:
    """Cut to `max_units` UTF-16 units, with U+FFFD in place of what no database takes."""
    if text.isascii() and len(text) <= max_units and "\0" not in text:
        return text
    sound = _UNSTORABLE.sub("\ufffd", text)
    # Half of a pair may be left at the cut: it goes.
    return sound.encode("utf-16-le")[: 2 * max_units].decode("utf-16-le", "ignore")
