"""How many calls may be open: fewer by half when a service says 429, one more for each round that goes well."""

from __future__ import annotations


class AdaptiveConcurrency:
    """Additive increase, multiplicative decrease. For one thread at a time.

    A round is as many answers as calls may be open. One with fewer 429s than `busy_share` of that changes nothing, so
    that a service which turns calls away at random is not starved.
    """

    def __init__(self, most: int, busy_share: float) -> None:
        self._most = most
        self._busy_share = busy_share
        self._limit = float(most)
        self._answers = self._busy = 0
        self._round_began = float("-inf")

    @property
    def limit(self) -> int:
        """Calls that may be open now; at least 1."""
        return int(self._limit)

    def good(self) -> None:
        """An answer that is no 429."""
        self._limit = min(float(self._most), self._limit + 1 / self._limit)
        self._count()

    def busy(self, now: float, sent: float) -> None:
        """A 429 to what went out at `sent`; calls from before the last halving say nothing new."""
        if sent < self._round_began:
            return
        self._busy += 1
        if self._busy >= max(1.0, self._busy_share * self._limit):
            self._limit = max(1.0, self._limit / 2)
            self._answers = self._busy = 0
            self._round_began = now
        else:
            self._count()

    def _count(self) -> None:
        self._answers += 1
        if self._answers >= self._limit:
            self._answers = self._busy = 0
