"""The change dates that a run reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Window:
    """Change dates in `[start, end)`, both in UTC."""

    start: datetime
    end: datetime

    def __str__(self) -> str:
        return f"changed from {self.start.isoformat()} until before {self.end.isoformat()}"
