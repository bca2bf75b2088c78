"""What a batch and a run count and measure. Everything adds up: gathering is `sum`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from itertools import zip_longest
from typing import Any, Self

from include.engine.histogram import Histogram
from include.engine.model import KeyTiming
from include.engine.names import MAX_WARNINGS, add_names
from include.engine.samples import Samples

SLOWEST = 5


def slowest_of(timings: Iterable[KeyTiming]) -> list[KeyTiming]:
    """The slowest few, slowest first."""
    return sorted(timings, key=lambda timing: timing.seconds, reverse=True)[:SLOWEST]


@dataclass(frozen=True, slots=True)
class Counters:
    """The counters of a cycle. Immutable, so any thread may read the latest."""

    records_read: int = 0
    """Delivered by the reader; resumed records are not among them."""
    records_written: int = 0
    records_rejected: int = 0
    records_skipped: int = 0
    records_resumed: int = 0
    """Settled by an earlier attempt of this cycle, and dropped."""
    records_bugs: int = 0
    """Those of the rejected that an unexpected exception rejected."""
    rows_written: int = 0
    retries: int = 0
    """Repeated tries of transforms."""
    read_s: float = 0.0
    transform_s: float = 0.0
    """Summed over workers, waits between tries not counted."""
    insert_s: float = 0.0
    wall_s: float = 0.0
    """Of attempts that were killed, up to their last commit; the other seconds are of those that lived to report."""

    @property
    def records_settled(self) -> int:
        """Written, rejected or skipped."""
        return self.records_written + self.records_rejected + self.records_skipped

    def __add__(self, other: Counters) -> Counters:
        return Counters(*(getattr(self, name) + getattr(other, name) for name in _COUNTER_NAMES))

    def __radd__(self, zero: int) -> Counters:
        return self if zero == 0 else NotImplemented

    def to_json(self) -> dict[str, Any]:
        """A plain dict by counter name."""
        return {name: getattr(self, name) for name in _COUNTER_NAMES}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Counters:
        """The inverse of `to_json`; counters that are missing are 0."""
        return cls(**{name: document[name] for name in _COUNTER_NAMES if name in document})


_COUNTER_NAMES = tuple(field.name for field in fields(Counters))


@dataclass(slots=True)
class Measures:
    """What batches and runs have in common."""

    counters: Counters = field(default_factory=Counters)
    transform_latency: Histogram = field(default_factory=Histogram)
    """Of each record that had a transform: the time in it over all its tries."""
    insert_latency: Histogram = field(default_factory=Histogram)
    """Of each insert batch, its replays included."""
    measured_s: float = 0.0
    """Wall time of the attempts that the busy seconds are of: those that were killed have left none."""
    reader_busy_s: float = 0.0
    """In the source and the look-up of prior records, not waiting for room."""
    worker_busy_s: list[float] = field(default_factory=list)
    """By worker: with a record in hand, its waits between tries included."""
    writer_busy_s: float = 0.0
    commits: int = 0
    commit_retries: int = 0
    queue_peak: int = 0
    """Most settlements that were seen waiting for the writer."""
    workers_abandoned: int = 0
    """Threads left behind in overdue records."""
    workers_restarted: int = 0
    """Worker processes started again after a crash or a kill."""
    degraded: bool = False
    """The pool could not start as asked; the batch ran with fewer workers, or none of its processes."""
    rejected_by_code: dict[str, int] = field(default_factory=dict)
    """As the commits settled: their sum is `records_rejected`."""
    skipped_by_reason: dict[str, int] = field(default_factory=dict)
    warnings: dict[str, int] = field(default_factory=dict)
    """What transforms tolerated in the records that were written, by name."""
    marks: int = 0
    """Each bit that any written record has set; hexadecimal text in JSON, where numbers end at 53 bits."""
    slowest: list[KeyTiming] = field(default_factory=list)

    @property
    def busy_shares(self) -> dict[str, float]:
        """Share of the wall time, 0 to 1, of `reader`, `workers` (their mean) and `writer`."""
        wall_s = self.measured_s or self.counters.wall_s or 1.0
        return {part: min(1.0, busy_s / wall_s) for part, busy_s in self._busy_s.items()}

    @property
    def bottleneck(self) -> str:
        """The busiest of `reader`, `workers` (their mean: one slow record is no bottleneck) and `writer`."""
        busy_s = self._busy_s
        return max(busy_s, key=lambda part: busy_s[part])

    @property
    def _busy_s(self) -> dict[str, float]:
        workers_s = sum(self.worker_busy_s) / (len(self.worker_busy_s) or 1)
        return {"reader": self.reader_busy_s, "workers": workers_s, "writer": self.writer_busy_s}

    def records_per_s(self, elapsed_s: float | None = None) -> float:
        """Settled records by `elapsed_s`, the run's duration; by default by the wall time, summed over batches."""
        duration_s = self.counters.wall_s if elapsed_s is None else elapsed_s
        return self.counters.records_settled / duration_s if duration_s > 0 else 0.0

    def to_json(self) -> dict[str, Any]:
        """A plain dict for XCom and the ledger."""
        document: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        for name, value in document.items():
            if hasattr(value, "to_json"):
                document[name] = value.to_json()
        document["marks"] = f"{self.marks:x}"
        document["slowest"] = [{"seconds": slow.seconds, "key": slow.key} for slow in self.slowest]
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`; measures that are missing keep their zero, unknown ones are ignored."""
        values = {f.name: document[f.name] for f in fields(cls) if f.name in document}
        for name, read in _READERS.items():
            if name in values:
                values[name] = read(values[name])
        return cls(**values)


_READERS: dict[str, Any] = {
    "counters": Counters.from_json,
    "transform_latency": Histogram.from_json,
    "insert_latency": Histogram.from_json,
    "queue_depth": Samples.from_json,
    "marks": lambda digits: int(digits, 16),
    "slowest": lambda timings: [KeyTiming(**timing) for timing in timings],
}


@dataclass(slots=True)
class BatchStats(Measures):
    """One attempt of one batch: what it committed, and how it went."""

    index: int = 0
    """Of the batch in its run's plan."""
    planned_records: int = 0
    queue_depth: Samples = field(default_factory=Samples)
    """Settlements waiting for the writer, over time."""

    def __add__(self, other: BatchStats | RunStats) -> RunStats:
        return RunStats.of([self]) + other

    def __radd__(self, zero: int) -> RunStats:
        return RunStats.of([self]) if zero == 0 else NotImplemented


@dataclass(slots=True)
class RunStats(Measures):
    """The sum of the batches of a run. Percentiles come out exactly as from the run's records at once."""

    batches: int = 0

    @classmethod
    def of(cls, parts: Iterable[BatchStats]) -> RunStats:
        """Sum the batches of a run; none gives zeros."""
        total = cls()
        for part in parts:
            total = total + part
        return total

    def __add__(self, other: BatchStats | RunStats) -> RunStats:
        workers = zip_longest(self.worker_busy_s, other.worker_busy_s, fillvalue=0.0)
        return RunStats(
            counters=self.counters + other.counters,
            transform_latency=self.transform_latency + other.transform_latency,
            insert_latency=self.insert_latency + other.insert_latency,
            measured_s=self.measured_s + other.measured_s,
            reader_busy_s=self.reader_busy_s + other.reader_busy_s,
            worker_busy_s=[mine + theirs for mine, theirs in workers],
            writer_busy_s=self.writer_busy_s + other.writer_busy_s,
            commits=self.commits + other.commits,
            commit_retries=self.commit_retries + other.commit_retries,
            queue_peak=max(self.queue_peak, other.queue_peak),
            workers_abandoned=self.workers_abandoned + other.workers_abandoned,
            workers_restarted=self.workers_restarted + other.workers_restarted,
            degraded=self.degraded or other.degraded,
            rejected_by_code=add_names(self.rejected_by_code, other.rejected_by_code),
            skipped_by_reason=add_names(self.skipped_by_reason, other.skipped_by_reason),
            warnings=add_names(self.warnings, other.warnings, MAX_WARNINGS),
            marks=self.marks | other.marks,
            slowest=slowest_of([*self.slowest, *other.slowest]),
            batches=self.batches + (other.batches if isinstance(other, RunStats) else 1),
        )

    def __radd__(self, zero: int) -> RunStats:
        return self if zero == 0 else NotImplemented


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a running batch stands; exact as of its last commit."""

    index: int
    """Of the batch in its run's plan."""
    planned_records: int
    counters: Counters
    queue_depth: int
    """Settlements waiting for the writer."""
    elapsed_s: float
