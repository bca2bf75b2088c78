"""Elements chosen while the document is walked: conditions are read on the spot, values only from what is chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from include.pipelines.xml.document.libxml import Element
from include.pipelines.xml.mapping.conversions import XML_SPACE

Rank = tuple[int, ...]
"""By condition with `in`: the position of the value that matched. Lower is better."""


class Test(NamedTuple):
    """A condition, compiled."""

    steps: tuple[str, ...]
    attribute: str | None
    order: Mapping[str, int] | None
    """Position by allowed value; None asks for any value."""


def rank_of(element: Element, tests: Sequence[Test]) -> Rank | None:
    """None where a condition does not hold."""
    rank: Rank = ()
    for steps, attribute, order in tests:
        if steps or attribute is None:
            value = _first_value(element, steps, attribute)
        else:
            value = element.get(attribute)
            value = value and value.strip(XML_SPACE)
        if not value:
            return None
        if order is not None:
            position = order.get(value)
            if position is None:
                return None
            rank += (position,)
    return rank


def _first_value(element: Element, steps: Sequence[str], attribute: str | None) -> str | None:
    """The first text that is not empty, trimmed; an element without one does not count."""
    if steps:
        for child in element.iterchildren(steps[0]):
            found = _first_value(child, steps[1:], attribute)
            if found is not None:
                return found
        return None
    text = own_text(element) if attribute is None else element.get(attribute)
    return (text.strip(XML_SPACE) or None) if text else None


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

    def consider(self, element: Element, row: list[Any]) -> None:
        """Candidates must come in document order."""
        kept = row[self.slot]
        if kept is not None and self.take == "first":
            return
        rank = rank_of(element, self.tests)
        if rank is None:
            return
        if kept is None or self.take == "last" or rank < kept[0]:
            row[self.slot] = (rank, element)
