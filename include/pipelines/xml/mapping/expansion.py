"""Several rows from one element: one for each item that has a value, or for each group that holds some."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Values = list[Any]
Expand = Callable[[Values], list[Values]]


@dataclass(frozen=True, slots=True)
class Alternative:
    """An item or group: what its row has instead of the element's."""

    moves: tuple[tuple[int, int], ...]
    """(slot where the walk put a value, slot of the column)."""
    named: tuple[tuple[int, Any], ...]
    """(slot of a column that takes the name, the name as a value of its type)."""
    fills: tuple[int, ...]
    """Slots where the walk put values that make the row worth writing."""


@dataclass(frozen=True, slots=True)
class Expansion:
    """In the order of the contract."""

    alternatives: tuple[Alternative, ...]

    def __call__(self, values: Values) -> list[Values]:
        """A copy for each alternative that fills."""
        rows: list[Values] = []
        for alternative in self.alternatives:
            for slot in alternative.fills:
                if values[slot] is not None:
                    break
            else:
                continue
            row = values.copy()
            for source, slot in alternative.moves:
                row[slot] = values[source]
            for slot, name in alternative.named:
                row[slot] = name
            rows.append(row)
        return rows
