"""One data row of the input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Row:
    """A row as the column mapping names its fields; no value shows in its `repr`."""

    number: int
    """1-based, of the data rows: the header does not count."""
    fields: Mapping[str, str] = field(repr=False)
    """By mapped name (`company`, `domain`, `first_name`); an empty cell is an empty text."""
