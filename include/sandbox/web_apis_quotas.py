"""Quotas as a service keeps them: so many requests, or tokens, in any window of so many seconds."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Quota:
    """At most `amount` within any `window_s` seconds."""

    kind: str
    """`requests` or `tokens`."""
    amount: int
    window_s: float


@dataclass(slots=True)
class QuotaMeter:
    """Counts what arrived, what was refused for it, and refuses what is too much."""

    quota: Quota
    _moments: list[float] = field(default_factory=list)
    _sums: list[int] = field(default_factory=lambda: [0])

    def used(self, now: float) -> int:
        """Within the window that ends now."""
        first = bisect_right(self._moments, now - self.quota.window_s)
        return self._sums[-1] - self._sums[first]

    def has_room(self, now: float, amount: int) -> bool:
        """Whether so much more fits."""
        return self.used(now) + amount <= self.quota.amount

    def take(self, now: float, amount: int) -> None:
        """Moments must not go back."""
        self._moments.append(now)
        self._sums.append(self._sums[-1] + amount)

    def reset_s(self, now: float) -> float:
        """Until the oldest of the window leaves it."""
        first = bisect_right(self._moments, now - self.quota.window_s)
        return self._moments[first] + self.quota.window_s - now if first < len(self._moments) else 0.0

    def headers(self, now: float) -> dict[str, str]:
        """As OpenAI and Groq send them."""
        left = max(0, self.quota.amount - self.used(now))
        kind = self.quota.kind
        return {
            f"x-ratelimit-limit-{kind}": str(self.quota.amount),
            f"x-ratelimit-remaining-{kind}": str(left),
            f"x-ratelimit-reset-{kind}": f"{self.reset_s(now):.3f}s",
        }


def most_in_any_window(arrivals: Sequence[tuple[float, int]], window_s: float) -> int:
    """The largest sum of amounts within any `window_s` seconds; arrivals are (moment, amount)."""
    ordered = sorted(arrivals)
    most = total = first = 0
    for moment, amount in ordered:
        total += amount
        while ordered[first][0] <= moment - window_s:
            total -= ordered[first][1]
            first += 1
        most = max(most, total)
    return most
