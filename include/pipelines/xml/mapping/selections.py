"""Elements chosen while the document is walked: conditions are read on the spot, values only from what is chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from include.pipelines.xml.document.libxml import Element
from include.pipelines.xml.mapping.conversions import XML_SPACE

Rank = tuple[int, ...]
"""By condition with `in`: the position of the value that matched. Lower is better."""


Texts = list[str | None]
"""Of one element: what its conditions have read so far, by number of the text; "" where there is none."""


class Test(NamedTuple):
    """A condition, compiled."""

    number: int
    """Of its text, among those that are read at the element, whichever tables and selections ask for it."""
    steps: tuple[str, ...]
    attribute: str | None
    order: Mapping[str, int] | None
    """Position by allowed value; None asks for any value."""


def rank_of(element: Element, tests: Sequence[Test], texts: Texts) -> Rank | None:
    """None where a condition does not hold."""
    rank: Rank = ()
    for number, steps, attribute, order in tests:
        text = texts[number]
        if text is None:
            text = texts[number] = _first_text(element, steps, attribute)
        if not text:
            return None
        if order is not None:
            position = order.get(text)
            if position is None:
                return None
            rank += (position,)
    return rank


def _first_text(element: Element, steps: Sequence[str], attribute: str | None) -> str:
    """The first that is not empty, trimmed; an element without one does not count."""
    if not steps:
        text = own_text(element) if attribute is None else element.get(attribute)
        return text.strip(XML_SPACE) if text else ""
    below = steps[1:]
    for child in element.iterchildren(steps[0]):
        if text := _first_text(child, below, attribute):
            return text
    return ""


def own_text(element: Element) -> str:
    """Text before, between and after the child elements."""
    text = element.text or ""
    return text + "".join([child.tail or "" for child in element]) if len(element) else text


@dataclass(frozen=True, slots=True)
class Choice:
    """A selection: keeps the best candidate so far in a slot of the row, with its rank."""

    slot: int
    tests: tuple[Test, ...]
    take: Literal["first", "last", "priority"]

    def consider(self, element: Element, row: list[Any], texts: Texts) -> None:
        """Candidates must come in document order, and no more of them once the `first` is found."""
        rank = rank_of(element, self.tests, texts)
        if rank is None:
            return
        kept = row[self.slot]
        if kept is None or self.take == "last" or rank < kept[0]:
            row[self.slot] = (rank, element)
