"""Numbered questions to a worker process, several under way at a time, and their answers in order."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from typing import Any

from include.engine.bugs import rejection_of
from include.engine.errors import FatalError
from include.engine.model import Record
from include.engine.wire import Wire, WireClosed

Reply = tuple[Any, ...]
"""`("rows", rows, notes, bytes of the answer)`, or the kind of an error and its fields."""

GATHERED = 4
"""Of so many questions under way one waits to be sent, and one answer is let come before anybody looks: the process
has the others to work on, and several travel in one call."""
HELD_BYTES = 8 * 1024
"""A larger one goes at once: to copy it costs more than the call."""
LONGEST_REST_S = 0.005
"""To wake a thread that waits for an answer costs its process some 30 to 100 µs, so the thread looks by the clock
where answers are due within this time."""

LEAVE_OUT = 0
"""In place of a question's number: the numbers that follow need no work any more."""


class Exchange:
    """The parent's side. The process answers in the order of the questions, so the oldest is the one at work."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._under_way: deque[tuple[int, int]] = deque()
        self._answers: dict[int, Reply] = {}
        self._forgotten: set[int] = set()
        self._last = 0
        self._oldest_since = 0.0
        self._rested_at = 0.0
        self._heard = 0
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
        """The number of the question; never waits. Raises what pickling the payload raises.

        A process that has others to work on gets it together with those that are asked next.
        """
        # A tuple: a dataclass would take three times as long to pickle.
        question = (self._last + 1, record.key, record.payload, record.size, record.version)
        (self._wire.hold if record.size <= HELD_BYTES else self._wire.post)(question)
        self._last += 1
        if not self._under_way:
            self._oldest_since = time.monotonic()
        self._under_way.append((self._last, record.size))
        self.bytes_under_way += record.size
        if self._wire.held * GATHERED >= len(self._under_way):
            self._wire.flush()
        return self._last

    def answer(self, number: int, timeout_s: float | None) -> Reply:
        """Wait for this answer. Each record may take `timeout_s`, from when it became the oldest and somebody listened.

        Raises `TimeoutError` and `WireClosed`, of which the oldest question is the cause, whichever was asked for.
        """
        # While nobody listened (the insert queue was full, a try waited) an answer may have been stuck half-way.
        self._oldest_since = time.monotonic()
        while number not in self._answers:
            if not self._wire.has_message:
                self._rest()
            self._heard += 1
            answered, *reply = self._next(None if timeout_s is None else self._oldest_since + timeout_s)
            self._oldest_since = time.monotonic()
            oldest, size = self._under_way.popleft()
            if answered != oldest:
                raise FatalError(f"a worker process answered question {answered} where {oldest} was due")
            self.bytes_under_way -= size
            if answered in self._forgotten:
                self._forgotten.remove(answered)
            else:
                self._answers[answered] = tuple(reply)
        return self._answers.pop(number)

    def leave_out(self, numbers: Sequence[int]) -> None:
        """Nobody will ask for these answers: the process need not work on those that it has not begun."""
        self._wire.post((LEAVE_OUT, *numbers))
        for number in numbers:
            self.forget(number)

    def _rest(self) -> None:
        """Let answers gather, as the last ones tell, while the process has three quarters of the questions left."""
        self._wire.flush()
        now, under_way = time.monotonic(), len(self._under_way)
        rest_s = (now - self._rested_at) / max(1, self._heard) * under_way / GATHERED
        if under_way >= GATHERED and rest_s <= LONGEST_REST_S:
            time.sleep(rest_s)
            now = time.monotonic()
        self._rested_at, self._heard = now, 0

    def _next(self, deadline: float | None) -> Reply:
        try:
            answer: Reply = self._wire.receive(deadline)
        except (TimeoutError, WireClosed):
            raise
        except Exception as error:  # noqa: BLE001 - what a process sent and nobody can read concerns its record alone
            bug = rejection_of(error)
            return self._under_way[0][0], "rejected", bug.code, bug.message
        return (*answer, self._wire.received_bytes) if answer[1] == "rows" else answer

    def forget(self, number: int) -> None:
        """Nobody will ask for this answer any more."""
        if self._answers.pop(number, None) is None:
            self._forgotten.add(number)
