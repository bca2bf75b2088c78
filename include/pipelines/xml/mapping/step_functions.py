"""What single steps do to a text. Each takes time in proportion to the text's length, whatever the text holds.

A function gives a text, empty where nothing is left, or raises `Unfit`, whose message never holds the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from include.pipelines.xml.language.steps import StepName
from include.pipelines.xml.mapping.conversions import XML_SPACE, Unfit
from include.pipelines.xml.mapping.date_forms import FindDate, date_finder, find_iso_date
from include.pipelines.xml.mapping.numbers import first_number

TextFunction = Callable[[str], str]

_SPACES = re.compile("[ \t\r\n]+")
_OTHERS = re.compile("[^0-9]+")


def _trim(text: str) -> str:
    return text.strip(XML_SPACE)


def _collapse(text: str) -> str:
    return _SPACES.sub(" ", text).strip(" ")


def _digits(text: str) -> str:
    return _OTHERS.sub("", text)


def _first_date(text: str) -> str:
    found = find_iso_date(text)
    if found is None:
        raise Unfit("holds no date YYYY-MM-DD")
    return found


TEXT_FUNCTIONS: dict[StepName, TextFunction] = {
    "trim": _trim,
    "collapse": _collapse,
    "upper": str.upper,
    "lower": str.lower,
    "digits": _digits,
    "first_number": first_number,
    "date": _first_date,
}


def date_function(forms: Sequence[str]) -> TextFunction:
    """The first date in one of the forms, as YYYY-MM-DD; an earlier form wins wherever it stands."""
    finders: tuple[FindDate, ...] = tuple(map(date_finder, forms))
    fault = f"holds no date in the form {' or '.join(forms)}"

    def first(text: str) -> str:
        for find in finders:
            found = find(text)
            if found is not None:
                return found
        raise Unfit(fault)

    return first


def cut(text: str, units: int) -> str:
    """The text's beginning, of at most that many UTF-16 units; a pair of surrogates is never split."""
    head = text[: units + 1]
    encoded = head.encode("utf-16-le", "surrogatepass")
    if len(encoded) <= 2 * units:
        return head
    encoded = encoded[: 2 * units]
    # A high surrogate at the end had its other half behind the cut, unless the text itself holds halves.
    if 0xD8 <= encoded[-1] <= 0xDB:
        encoded = encoded[:-2]
    return encoded.decode("utf-16-le", "surrogatepass")
