"""Time, and waits that a stop ends."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

from include.engine.errors import BatchStopped

LOOK_S = 0.25
"""A wait of a clock below another looks this often whether one above was stopped."""


class Clock:
    """What a client waits by. Thread-safe. Every wait raises `BatchStopped` at once when `stop` is set."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop

    def now(self) -> datetime:
        """Wall time, UTC, aware."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds; only differences mean something."""
        return time.monotonic()

    def check(self) -> None:
        """Raise `BatchStopped` when told to stop."""
        if self._stop.is_set():
            raise BatchStopped("the HTTP client was told to stop")

    def pause(self, seconds: float) -> None:
        """Sleep; raises `BatchStopped` when told to stop."""
        self._stop.wait(seconds)
        self.check()


class PartClock(Clock):
    """Stops when the clock above it stops, or alone: the downloads of one export end together."""

    def __init__(self, above: Clock, stop: threading.Event | None = None) -> None:
        """`stop` stops it as `halt` does, where others are to do so."""
        super().__init__(stop or threading.Event())
        self._above = above

    def halt(self) -> None:
        """Stop what goes by this clock, and nothing else."""
        self._stop.set()

    def now(self) -> datetime:
        """As the clock above."""
        return self._above.now()

    def monotonic(self) -> float:
        """As the clock above."""
        return self._above.monotonic()

    def check(self) -> None:
        """Raise `BatchStopped` when this clock or one above it was stopped."""
        self._above.check()
        super().check()

    def pause(self, seconds: float) -> None:
        """Sleep; raises `BatchStopped` within `LOOK_S` of a stop."""
        end = self.monotonic() + seconds
        self.check()
        while (left := end - self.monotonic()) > 0:
            self._above.pause(min(left, LOOK_S))
            self.check()
