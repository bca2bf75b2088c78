"""Settlements in the order of reading."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from include.engine.handoff import HandOff
from include.engine.insert_queue import InsertQueue
from include.engine.model import Settlement
from include.engine.task import Task


class Sequencer:
    """Holds early settlements until those before them are there, then puts them in order. Thread-safe.

    One thread at a time puts; others leave theirs and go on, so a full insert queue holds up one
    worker, not all, until the hand-off's window is used up. That window bounds what is held here.
    """

    def __init__(self, queue: InsertQueue, handoff: HandOff) -> None:
        self._queue = queue
        self._handoff = handoff
        self._lock = threading.Lock()
        self._early: dict[int, Settlement] = {}
        self._next = 0
        self._putting = False

    @property
    def held(self) -> int:
        """Settlements that wait for an earlier one."""
        return len(self._early)

    def put(self, tasks: Sequence[Task]) -> None:
        """Leave settled tasks; put whatever is due now. Raises `Aborted` when the queue has failed."""
        with self._lock:
            for task in tasks:
                if task.settlement is not None:
                    self._early[task.sequence] = task.settlement
            if self._putting:
                return
            self._putting = True
        while due := self._due():
            self._queue.put(due)
            self._handoff.advance(self._next)

    def _due(self) -> list[Settlement]:
        """The settlements whose turn it is; none ends the turn of the thread that puts."""
        with self._lock:
            due: list[Settlement] = []
            while (settlement := self._early.pop(self._next, None)) is not None:
                due.append(settlement)
                self._next += 1
            self._putting = bool(due)
            return due
