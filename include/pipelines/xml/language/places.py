"""Where in a JSON text something stands: line numbers for the mistakes of a contract."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

Place = tuple[str | int, ...]
"""Names and positions from the root, as pydantic has them in `loc`."""

Mistake = tuple[Place, str]
"""Where, and what is wrong and how to put it right."""

_LEXEME = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)


@dataclass(slots=True)
class Places:
    """Lines by place, and what JSON readers take without a word."""

    lines: dict[Place, int] = field(default_factory=dict)
    doubled: list[Place] = field(default_factory=list)
    """Names that an object holds twice: the last one stays."""
    halved: list[Place] = field(default_factory=list)
    """Texts with half of a surrogate pair, which cannot be written as UTF-8; of names, the place of their object."""

    def line(self, place: Place) -> int | None:
        """Of the place, or of the nearest thing around it."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place)


def written(place: Place) -> str:
    """`tables[2].columns[5].type`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return text.lstrip(".") or "contract"


def find_places(text: str) -> Places:
    """`text` must be sound JSON: the walk trusts it. Raises `RecursionError` for what nests too deeply."""
    places = Places()
    _value(_lexemes(text), (), places)
    return places


def _lexemes(text: str) -> Iterator[tuple[str, int]]:
    line, seen = 1, 0
    for found in _LEXEME.finditer(text):
        line += text.count("\n", seen, found.start())
        seen = found.start()
        yield found[0], line


def _value(lexemes: Iterator[tuple[str, int]], place: Place, places: Places) -> str:
    """Walks one value and returns its first lexeme; `]` where an empty array ends instead."""
    lexeme, line = next(lexemes)
    if lexeme == "]":
        return lexeme
    places.lines.setdefault(place, line)
    if _is_halved(lexeme):
        places.halved.append(place)
    if lexeme == "{":
        _members(lexemes, place, places)
    elif lexeme == "[":
        index = 0
        while _value(lexemes, (*place, index), places) != "]" and next(lexemes)[0] != "]":
            index += 1
    return lexeme


def _members(lexemes: Iterator[tuple[str, int]], place: Place, places: Places) -> None:
    seen: set[str] = set()
    for lexeme, line in lexemes:
        if lexeme == "}":
            return
        if lexeme == ",":
            continue
        if _is_halved(lexeme):
            places.halved.append(place)
        name = json.loads(lexeme)
        member = (*place, name)
        if name in seen:
            places.doubled.append(member)
        seen.add(name)
        places.lines[member] = line
        next(lexemes)  # the colon
        _value(lexemes, member, places)


def _is_halved(lexeme: str) -> bool:
    return "\\u" in lexeme and any("\ud800" <= character <= "\udfff" for character in json.loads(lexeme))
