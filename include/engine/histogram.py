"""Latencies in fixed logarithmic buckets, so that histograms of batches add up to that of their run."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

BUCKETS_PER_DOUBLING = 8
SMALLEST_S = 1e-6
"""Lower edge of the first bucket; anything faster is counted there."""
LAST_BUCKET = 37 * BUCKETS_PER_DOUBLING - 1
"""Ends at 1 µs * 2**37, a day and a half; anything slower is counted there."""
RELATIVE_ERROR = 2 ** (0.5 / BUCKETS_PER_DOUBLING) - 1
"""A quantile is the geometric middle of its record's bucket: at most 4.5 % off, between the ends of the range."""

_log2 = math.log2


def bucket_of(seconds: float) -> int:
    """The bucket that counts a duration."""
    if seconds <= SMALLEST_S:
        return 0
    return min(int(_log2(seconds * 1e6) * BUCKETS_PER_DOUBLING), LAST_BUCKET)


@dataclass(slots=True)
class Histogram:
    """Counts of durations by bucket, sparse. Not thread-safe: one thread adds, others read a merged copy."""

    buckets: dict[int, int] = field(default_factory=dict)
    total_s: float = 0.0
    max_s: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one duration."""
        bucket = bucket_of(seconds)
        buckets = self.buckets
        buckets[bucket] = buckets.get(bucket, 0) + 1
        self.total_s += seconds
        self.max_s = max(self.max_s, seconds)

    @classmethod
    def of(cls, durations_s: Iterable[float]) -> Histogram:
        """The histogram of some durations."""
        histogram = cls()
        for seconds in durations_s:
            histogram.add(seconds)
        return histogram

    @property
    def count(self) -> int:
        """Durations counted."""
        return sum(self.buckets.values())

    @property
    def mean_s(self) -> float:
        """Exact mean; 0 when nothing was counted."""
        count = self.count
        return self.total_s / count if count else 0.0

    def quantile(self, share: float) -> float:
        """Seconds that at least `share` of the durations do not pass (nearest rank); 0 when nothing was counted.

        Off by at most `RELATIVE_ERROR`, and never above the longest duration.
        """
        rank = max(1, math.ceil(share * self.count))
        seen = 0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            if seen >= rank:
                return min(SMALLEST_S * 2 ** ((bucket + 0.5) / BUCKETS_PER_DOUBLING), self.max_s)
        return 0.0

    def percentiles(self) -> dict[str, float]:
        """The three that reports show, in seconds."""
        return {"p50_s": self.quantile(0.50), "p95_s": self.quantile(0.95), "p99_s": self.quantile(0.99)}

    def copy(self) -> Histogram:
        """An independent copy."""
        return Histogram(self.buckets.copy(), self.total_s, self.max_s)

    def __add__(self, other: Histogram) -> Histogram:
        buckets = Counter(self.buckets)
        buckets.update(other.buckets)
        return Histogram(dict(buckets), self.total_s + other.total_s, max(self.max_s, other.max_s))

    def __radd__(self, zero: int) -> Histogram:
        return self if zero == 0 else NotImplemented

    def to_json(self) -> dict[str, Any]:
        """A plain dict; bucket numbers become text, as JSON has it."""
        buckets = {str(bucket): count for bucket, count in sorted(self.buckets.items())}
        return {"buckets": buckets, "total_s": self.total_s, "max_s": self.max_s}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Histogram:
        """The inverse of `to_json`."""
        buckets = {int(bucket): int(count) for bucket, count in document["buckets"].items()}
        return cls(buckets, float(document["total_s"]), float(document["max_s"]))
