"""Text that a spreadsheet would run as a formula."""

from __future__ import annotations

import re

_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""The last four are the signs in full width, as East Asian programs take them for the plain ones."""
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u200e\u200f\u2060"
"""What a program may leave out before it looks: a byte order mark, characters without width."""
_INNER = re.compile("[,;\t|\r\n](?=[=+@\uff1d\uff0b\uff20]|[-\uff0d][^-)\\s])")
"""Where a cell would begin for a program that parts cells otherwise; not before a smiley, a bullet or a dash."""
_NUMBER = re.compile(r"[+-]\d+([.,]\d+)?")


def would_run(text: str) -> bool:
    """Whether a spreadsheet that opens it takes it for more than text or a number."""
    return text.lstrip(_INVISIBLE).startswith(_STARTS) and _NUMBER.fullmatch(text) is None


def neutralised(text: str) -> str:
    """The text, with an apostrophe before it where it would run: spreadsheets show such a cell as it stands."""
    return f"'{text}" if would_run(text) else text


def neutralised_in_csv(text: str, delimiter: str) -> str:
    """As `neutralised`, also within: opened with another delimiter than the file's, a text falls into several cells.

    Quotes do not hold it together: they count only where a cell begins.
    """
    return neutralised(_INNER.sub(lambda found: found[0] if found[0] == delimiter else f"{found[0]}'", text))
