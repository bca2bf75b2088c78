"""Plain text for a terminal: aligned columns, and values as JSON would write them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

MAX_CHARACTERS = 60
"""Of a text that is shown; longer ones are cut, and say how long they are."""

_GAP = "  "


def aligned(rows: Sequence[Sequence[str]], indent: str = "") -> list[str]:
    """One line a row, every column as wide as its widest text; lines end without blanks."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = (_GAP.join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in rows)
    return [f"{indent}{line}".rstrip() for line in padded]


def counted(number: int, noun: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def shown(value: Any) -> str:  # noqa: ANN401 - whatever a row holds
    """A value of a row; texts stand in quotes, so that nothing is taken for null or a number."""
    match value:
        case None | bool():
            return json.dumps(value)
        case str():
            more = f"… ({len(value)} characters)" if len(value) > MAX_CHARACTERS else ""
            return f'"{harmless(json.dumps(value[:MAX_CHARACTERS], ensure_ascii=False)[1:-1])}"{more}'
        case Decimal():
            return format(value, "f")
        case datetime():
            return value.isoformat(" ")
        case _:
            return str(value)


def harmless(text: str) -> str:
    """Without characters that a terminal obeys or that cannot be seen: those stand as JSON escapes."""
    if text.isprintable():
        return text
    return re.sub(r"[^ -~]", _escaped, text)


def shortened(text: str) -> str:
    """One line of at most `MAX_CHARACTERS`."""
    line = " ".join(text.split())
    return line if len(line) <= MAX_CHARACTERS else f"{line[: MAX_CHARACTERS - 1]}…"


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    return character if character.isprintable() else json.dumps(character)[1:-1]
