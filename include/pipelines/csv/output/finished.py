"""What came of a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class FinishedRow:
    """A row that is settled: with what was generated, or with an error, or with both."""

    number: int
    """That of the row in its table."""
    values: Mapping[str, str] = field(default_factory=dict)
    """Generated texts by column; a column without one stays empty."""
    code: str | None = None
    """Class of the error; None where there was none."""
    message: str | None = None

    @property
    def error(self) -> str:
        """As the column `error` has it."""
        return "" if self.code is None else f"{self.code}: {self.message or ''}".rstrip(": ")
