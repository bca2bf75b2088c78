"""Dates within texts: by forms that a contract gives, with month names that no locale changes."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

FindDate = Callable[[str], str | None]
"""The first date in a text, as YYYY-MM-DD, or None."""

FORM_PATTERN = r"^(?:[^%]|%[YmdybB])+$"
"""For the published JSON Schema; `date_finder` is stricter and says what is wrong."""

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_MONTH_NUMBERS = {name[:3].lower(): number for number, name in enumerate(_MONTHS, 1)}

_PIVOT = 69
"""Years of two digits are those of 1969 to 2068, as POSIX has it."""

_PARTS = {
    "%Y": ("year", "[0-9]{4}"),
    "%y": ("year", "[0-9]{2}"),
    "%m": ("month", "[0-9]{1,2}"),
    "%d": ("day", "[0-9]{1,2}"),
    "%b": ("month", f"(?i:{'|'.join(name[:3] for name in _MONTHS)})"),
    "%B": ("month", f"(?i:{'|'.join(_MONTHS)})"),
}
_TOKEN = re.compile(r"%.?|[^%]", re.DOTALL)
_NEITHER_SIDE = {"digit": ("(?<![0-9])", "(?![0-9])"), "letter": ("(?<![A-Za-z])", "(?![A-Za-z])"), "": ("", "")}
"""What may not stand before or after a form that begins or ends so: a date is no part of a longer number or word."""


def date_finder(form: str) -> FindDate:
    """Raises `ValueError` that says what is wrong with the form.

    Digits that name no day of the calendar are no date: the search goes on behind them.
    """
    tokens = _TOKEN.findall(form)
    for token in tokens:
        if token[0] == "%" and token not in _PARTS:
            raise ValueError(f"{form}: {token} is not understood; there are {', '.join(_PARTS)}")
    parts = [_PARTS[token][0] for token in tokens if token in _PARTS]
    for name in ("year", "month", "day"):
        if parts.count(name) != 1:
            choice = " or ".join(token for token, part in _PARTS.items() if part[0] == name)
            raise ValueError(f"{form}: give the {name} once, as {choice}")
    return _finder("".join(_pieces(tokens)))


def _pieces(tokens: list[str]) -> list[str]:
    """Where digits touch digits, day and month have two of them: 1112024 would have two meanings."""
    kinds = ["", *map(_edge, tokens), ""]
    pieces: list[str] = []
    for token, before, after in zip(tokens, kinds, kinds[2:], strict=False):
        if token not in _PARTS:
            pieces.append(re.escape(token))
            continue
        name, piece = _PARTS[token]
        if "digit" in (before, after):
            piece = piece.replace("{1,2}", "{2}")
        pieces.append(f"(?P<{name}>{piece})")
    return [_NEITHER_SIDE[kinds[1]][0], *pieces, _NEITHER_SIDE[kinds[-2]][1]]


def _edge(token: str) -> str:
    if token in _PARTS:
        return "letter" if token in ("%b", "%B") else "digit"
    return "digit" if token.isdecimal() and token.isascii() else ""


def _finder(pattern: str) -> FindDate:
    # Looked at ahead, since a date may begin within digits that are none. ASCII, or the long s were an s.
    compiled = re.compile(f"(?={pattern})", re.ASCII)
    index = compiled.groupindex
    year_at, month_at, day_at = index["year"], index["month"], index["day"]
    search = compiled.finditer

    def find(text: str) -> str | None:
        for found in search(text):
            year, month, day = found.group(year_at, month_at, day_at)
            try:
                return date(_year(year), _MONTH_NUMBERS.get(month[:3].lower()) or int(month), int(day)).isoformat()
            except ValueError:
                continue
        return None

    return find


def _year(digits: str) -> int:
    year = int(digits)
    if len(digits) == 4:
        return year
    return year + (1900 if year >= _PIVOT else 2000)


find_iso_date = _finder("(?<![0-9])(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})(?![0-9])")
"""The first date YYYY-MM-DD in a text."""
