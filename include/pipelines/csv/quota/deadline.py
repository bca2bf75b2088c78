"""Until when the calls of a row may go out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from include.connections.http.clock import Clock


class Deadline:
    """A row's time. It stands still while a quota of ours is what the row waits for, for `patience_s` in all.

    The row's own thread changes it; others may read it.
    """

    def __init__(self, clock: Clock, seconds: float, patience_s: float = math.inf) -> None:
        self._clock = clock
        self._end = clock.monotonic() + seconds
        self._patience_s = patience_s
        self._stands: tuple[Callable[[], float], float] | None = None
        self.lent_s = 0.0
        """Seconds that the row was given for waiting on other tasks; the rows that wait for this one get them too."""

    def left_s(self) -> float:
        """Seconds; 0 or less where it has passed."""
        return self._end + self._standing_s() - self._clock.monotonic()

    def patience_left_s(self) -> float:
        """Seconds that the row may still wait for quotas."""
        return self._patience_s - self._standing_s()

    @contextmanager
    def beside(self, stood_s: Callable[[], float]) -> Iterator[None]:
        """While the row wants an answer of a service: `stood_s` is how long its quotas have kept calls back so far."""
        self._stands = (stood_s, stood_s())
        try:
            yield
        finally:
            standing_s = self._standing_s()
            self._stands = None
            self._grant(standing_s)

    def lend(self, seconds: float) -> None:
        """The row waits so long for another task; less than nothing takes back what was too much."""
        self.lent_s += seconds
        self._grant(seconds)

    def _grant(self, seconds: float) -> None:
        granted_s = min(seconds, self._patience_s)
        self._end += granted_s
        self._patience_s -= granted_s

    def _standing_s(self) -> float:
        if self._stands is None:
            return 0.0
        stood_s, before = self._stands
        return min(stood_s() - before, self._patience_s)
