"""A circuit breaker: a service that fails is left alone for a while, then asked by one call.

Of the libraries, one holds its lock during the call, which makes all calls follow each other; another lets every
thread probe at once. Here it only decides, and knows neither threads nor clocks.
"""

from __future__ import annotations

import math
from collections import deque


class CircuitBreaker:
    """Closed, open until a moment, or half open with one probe under way. For one thread at a time."""

    def __init__(self, *, calls: int, share: float, open_s: float, open_max_s: float) -> None:
        self._failed: deque[bool] = deque(maxlen=calls)
        self._share = share
        self._first_open_s, self._open_max_s = open_s, max(open_s, open_max_s)
        self._open_s = open_s
        self._open_until: float | None = None
        self._probing = False

    @property
    def is_closed(self) -> bool:
        """Calls go as they come."""
        return self._open_until is None

    def wait_s(self, now: float) -> float:
        """Seconds until a call may go; infinite while a probe is under way."""
        if self._open_until is None:
            return 0.0
        return math.inf if self._probing else max(0.0, self._open_until - now)

    def begin(self) -> bool:
        """A call goes; whether it is the probe."""
        self._probing = self._open_until is not None
        return self._probing

    def good(self, *, probe: bool) -> None:
        """The service answered."""
        if probe:
            self._open_until, self._probing, self._open_s = None, False, self._first_open_s
            self._failed.clear()
        elif self.is_closed:
            self._failed.append(False)

    def bad(self, now: float, *, probe: bool) -> None:
        """The service failed. Calls from before it opened say nothing new."""
        if probe:
            self._probing, self._open_s = False, min(2 * self._open_s, self._open_max_s)
            self._open_until = now + self._open_s
            return
        if not self.is_closed:
            return
        self._failed.append(True)
        most = self._failed.maxlen or 0
        if len(self._failed) == most and sum(self._failed) >= self._share * most:
            self._open_until = now + self._open_s

    def unknown(self, now: float, *, probe: bool) -> None:
        """The call ended without telling anything: another one probes."""
        if probe:
            self._probing, self._open_until = False, now
