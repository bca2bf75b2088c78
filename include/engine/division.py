"""A record while its parts are worked."""

from __future__ import annotations

import threading
from dataclasses import replace

from include.engine.divided import Divided
from include.engine.model import NotedRows, Outcome, Rows
from include.engine.task import Task


class Division:
    """Gathers what the parts of one record gave. Threads may share it; the record is decided once.

    The record's task keeps its claim, index and place in the hand-off. Parts are not counted there: they are given
    back to it, so that they go before new records.
    """

    def __init__(self, whole: Task, divided: Divided, content_hash: str | None) -> None:
        self.whole = whole
        self.content_hash = content_hash
        self.is_over = False
        """Decided: what is left of the parts need not be worked. Takes no lock."""
        self._merge = divided.merge
        self._lock = threading.Lock()
        self._left = len(divided.parts)
        self._rows: list[Rows] = [{}] * self._left
        self.tasks = [
            Task(replace(whole.record, payload=payload), whole.index, whole.sequence, division=self, part=number)
            for number, payload in enumerate(divided.parts)
        ]
        """In order."""

    def take(self, part: Task) -> bool:
        """A part is settled; True where that decides the record: it is the first without rows, or the last one."""
        settlement = part.settlement
        with self._lock:
            if self.is_over or settlement is None:
                return False
            self._left -= 1
            self.whole.tries = max(self.whole.tries, part.tries)
            self.whole.spent_s += part.spent_s
            if settlement.outcome is Outcome.WRITTEN:
                self._rows[part.part] = settlement.rows or {}
                if self._left:
                    return False
            self.is_over = True
            return True

    def merged(self) -> Rows:
        """The record's rows, once all parts gave theirs; raises as the merge does."""
        rows = self._merge(self._rows)
        noted = rows if isinstance(rows, NotedRows) else NotedRows(rows)
        parts = [part for part in self._rows if isinstance(part, NotedRows)]
        noted.size = sum(part.size for part in parts)
        noted.is_partial = any(part.is_partial for part in parts)
        return noted
