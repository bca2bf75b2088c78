"""Characters that a file cannot hold."""

from __future__ import annotations

import re

_FOREIGN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no place for, and no text of people needs: control characters, halves of pairs."""


def plain(text: str) -> str:
    """The text with U+FFFD for each of them."""
    return _FOREIGN.sub("\ufffd", text)
