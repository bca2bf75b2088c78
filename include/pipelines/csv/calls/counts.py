"""How many calls were paid, and how many were not needed."""

from __future__ import annotations

import threading
from collections import Counter


class CallCounts:
    """By service and what happened: `model.paid`, `model.tokens`, `model.found`, `model.again`. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, service: str, what: str, amount: int = 1) -> None:
        """So many more."""
        with self._lock:
            self._counts[f"{service}.{what}"] += amount

    def snapshot(self) -> dict[str, int]:
        """So far."""
        with self._lock:
            return dict(self._counts)
