"""Numbered questions to a worker process, several under way at a time, and their answers in order."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

from include.engine.model import Record
from include.engine.wire import Wire

Reply = tuple[Any, ...]
"""`("rows", rows)`, or the kind of an error and its fields."""


class Exchange:
    """The parent's side. The process answers in the order of the questions, so the oldest is the one at work."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._under_way: deque[tuple[int, int]] = deque()
        self._answers: dict[int, Reply] = {}
        self._forgotten: set[int] = set()
        self._last = 0
        self._oldest_since = 0.0
        self.bytes_under_way = 0

    @property
    def oldest(self) -> int | None:
        """The question at work."""
        return self._under_way[0][0] if self._under_way else None

    @property
    def under_way(self) -> int:
        """Questions without an answer."""
        return len(self._under_way)

    @property
    def asked(self) -> int:
        """Questions so far."""
        return self._last

    def ask(self, record: Record) -> int:
        """The number of the question; never waits. Raises what pickling the payload raises."""
        # A tuple: a dataclass would take three times as long to pickle.
        self._wire.post((self._last + 1, record.key, record.payload, record.size, record.version))
        self._last += 1
        if not self._under_way:
            self._oldest_since = time.monotonic()
        self._under_way.append((self._last, record.size))
        self.bytes_under_way += record.size
        return self._last

    def answer(self, number: int, timeout_s: float | None) -> Reply:
        """Wait for this answer. Each record may take `timeout_s`, from when it became the oldest.

        Raises `TimeoutError` and `WireClosed`, of which the oldest question is the cause, whichever was asked for.
        """
        while number not in self._answers:
            deadline = None if timeout_s is None else self._oldest_since + timeout_s
            answered, *reply = self._wire.receive(deadline)
            self._oldest_since = time.monotonic()
            _, size = self._under_way.popleft()
            self.bytes_under_way -= size
            if answered in self._forgotten:
                self._forgotten.remove(answered)
            else:
                self._answers[answered] = tuple(reply)
        return self._answers.pop(number)

    def forget(self, number: int) -> None:
        """Nobody will ask for this answer any more."""
        if self._answers.pop(number, None) is None:
            self._forgotten.add(number)
