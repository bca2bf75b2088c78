"""A quota of any window of time, kept so that the service can never see more than it.

When a request arrives at the service is not known: some time between sending and the answer. So a call counts from
its sending until a whole window after its answer. Libraries of rate limits count from the sending only, and keep one
entry for every token; here entries of a slice of time are one, which ends with the slice.
"""

from __future__ import annotations

import math
from collections import Counter, deque

SLICES = 600
"""Entries of one window at most."""
TOLD = 100
"""Parts of a window in which is told what was used."""
GUARD = 1 + 1 / 6000
"""A window is taken for so much longer: no two clocks run at the same speed."""


class SlidingWindow:
    """At most `limit` within any `window_s` seconds; None is no bound. For one thread at a time.

    Moments come from one clock that never goes back.
    """

    def __init__(self, limit: int | None, window_s: float) -> None:
        self.limit = limit
        self._window_s = window_s * GUARD
        self._slice_s = window_s / SLICES
        self._held = 0
        self._spent: deque[tuple[float, int]] = deque()
        """(end of the slice, amount), oldest first."""
        self._total = 0

    def wait_s(self, now: float, amount: int) -> float:
        """Seconds until so much may be sent; infinite while that depends on calls that are open, or never fits."""
        return self._wait_s(now, amount, self._held)

    def least_wait_s(self, now: float, amount: int) -> float:
        """The same if open calls gave all back that they hold; infinite where only they are in the way."""
        least_s = self._wait_s(now, amount, 0)
        return least_s if least_s > 0 or self.wait_s(now, amount) <= 0 else math.inf

    def _wait_s(self, now: float, amount: int, held: int) -> float:
        if self.limit is None:
            return 0.0
        self._forget(now)
        excess = held + self._total + amount - self.limit
        if excess <= 0:
            return 0.0
        for end, spent in self._spent:
            excess -= spent
            if excess <= 0:
                return end + self._window_s - now
        return math.inf

    def hold(self, amount: int) -> None:
        """A call with so much goes out."""
        self._held += amount

    def settle(self, now: float, held: int, spent: int) -> None:
        """That call ended, and took `spent`."""
        self._held -= held
        self.spend(now, spent)

    def spend(self, now: float, amount: int) -> None:
        """So much was taken by now."""
        self._forget(now)
        if amount <= 0:
            return
        self._total += amount
        end = max(now, math.ceil(now / self._slice_s) * self._slice_s)
        if self._spent and self._spent[-1][0] >= end:
            end, before = self._spent.pop()
            amount += before
        self._spent.append((end, amount))

    def used(self, now: float) -> list[tuple[float, int]]:
        """How many seconds ago at the most recent so much was taken, oldest first, in about `TOLD` parts.

        What open calls hold counts as taken now.
        """
        self._forget(now)
        part_s = self._window_s / TOLD
        parts = Counter[int]({0: self._held})
        for end, spent in self._spent:
            parts[int(max(0.0, now - end) / part_s)] += spent
        return [(part * part_s, amount) for part, amount in sorted(parts.items(), reverse=True) if amount]

    def _forget(self, now: float) -> None:
        while self._spent and self._spent[0][0] + self._window_s <= now:
            self._total -= self._spent.popleft()[1]
