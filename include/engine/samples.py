"""A value over time in a bounded number of samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_SAMPLES = 64


@dataclass(slots=True)
class Samples:
    """One sample an interval from the start on; when full, every second one goes and the interval doubles.

    Not thread-safe. `peak` sees every offer, kept or not.
    """

    interval_s: float = 0.1
    values: list[int] = field(default_factory=list)
    peak: int = 0

    def offer(self, elapsed_s: float, value: int) -> None:
        """Keep `value` when the next sample is due at `elapsed_s` since the start."""
        self.peak = max(self.peak, value)
        if elapsed_s < len(self.values) * self.interval_s:
            return
        self.values.append(value)
        if len(self.values) >= MAX_SAMPLES:
            del self.values[1::2]
            self.interval_s *= 2

    def to_json(self) -> dict[str, Any]:
        """A plain dict."""
        return {"interval_s": self.interval_s, "values": list(self.values), "peak": self.peak}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Samples:
        """The inverse of `to_json`."""
        return cls(float(document["interval_s"]), [int(value) for value in document["values"]], int(document["peak"]))
