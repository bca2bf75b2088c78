"""How long the records and insert batches of a run took, and which part of the house was busy: for its report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from include.engine.histogram import Histogram
from include.engine.stats import RunStats

_DIGITS = 6
"""Of seconds, after the point: what XCom and the ledger hold is to be read."""


def timings(stats: RunStats) -> dict[str, Any]:
    """Plain, a few hundred bytes; seconds, and shares of the wall time from 0 to 1. What was never measured is absent.

    Those of attempts that were killed are not among them.
    """
    found: dict[str, Any] = {name: _spread(histogram) for name, histogram in _measured(stats)}
    if stats.measured_s:
        found["busy_shares"] = {part: round(share, 3) for part, share in stats.busy_shares.items()}
    if stats.slowest:
        found["slowest"] = [[slow.key, round(slow.seconds, _DIGITS)] for slow in stats.slowest]
    return found


def timing_lines(stats: RunStats) -> Iterator[tuple[str, str]]:
    """For a log: name and value."""
    for name, histogram in _measured(stats):
        spread = _spread(histogram)
        yield name.replace("_", " "), ", ".join(f"{part[:-2]} {_duration(s)}" for part, s in spread.items())
    if stats.measured_s:
        yield "busy", ", ".join(f"{part} {share:.0%}" for part, share in stats.busy_shares.items())
    for slow in stats.slowest:
        # A key may hold what would break the line.
        yield "slowest record", f"{_duration(slow.seconds)}: {slow.key!r}"


def _measured(stats: RunStats) -> Iterator[tuple[str, Histogram]]:
    pairs = (("transform_of_a_record", stats.transform_latency), ("insert_batch", stats.insert_latency))
    return ((name, histogram) for name, histogram in pairs if histogram.buckets)


def _spread(histogram: Histogram) -> dict[str, float]:
    spread = {"mean_s": histogram.mean_s, **histogram.percentiles(), "max_s": histogram.max_s}
    return {name: round(seconds, _DIGITS) for name, seconds in spread.items()}


def _duration(seconds: float) -> str:
    return f"{seconds:,.2f} s" if seconds >= 1 else f"{seconds * 1000:,.3g} ms"
