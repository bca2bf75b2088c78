"""Text that a spreadsheet would run as a formula."""

from __future__ import annotations

import re

_STARTS = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]\d+([.,]\d+)?")


def would_run(text: str) -> bool:
    """Whether a spreadsheet that opens it takes it for more than text or a number."""
    return text.startswith(_STARTS) and _NUMBER.fullmatch(text) is None


def neutralised(text: str) -> str:
    """The text, with an apostrophe before it where it would run: spreadsheets show such a cell as it stands."""
    return f"'{text}" if would_run(text) else text
