"""How the engine runs a batch: sizes, bounds and patience."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from include.engine.errors import SettingsError

MIB = 1024 * 1024

IN_FLIGHT = 1000
"""Twice the records of a page: the workers have the one while the reader fetches the next, which may take 60 ms."""

WorkerKind = Literal["threads", "processes"]

_BOUNDS: dict[str, tuple[float, float]] = {
    "workers": (1, 500),
    "in_flight": (1, 100_000),
    "in_flight_bytes": (1, 4096 * MIB),
    "reorder_window": (1, 1_000_000),
    "record_timeout_s": (0.01, 86_400),
    "max_tries": (1, 100),
    "retry_initial_s": (0, 3_600),
    "retry_max_wait_s": (0, 86_400),
    "retry_total_s": (0, 86_400),
    "queue_records": (1, 1_000_000),
    "queue_bytes": (1, 4096 * MIB),
    "insert_batch": (1, 100_000),
    "max_wait_s": (0, 3_600),
    "commit_tries": (1, 100),
    "max_rejects": (0, math.inf),
    "max_reject_rate": (0, 1),
    "progress_s": (0.05, 3_600),
    "query_timeout_s": (0.1, 86_400),
}
_WHOLE = {
    "workers",
    "in_flight",
    "in_flight_bytes",
    "reorder_window",
    "max_tries",
    "queue_records",
    "queue_bytes",
    "insert_batch",
    "commit_tries",
    "max_rejects",
}
_OPTIONAL = {"record_timeout_s", "max_rejects", "max_reject_rate"}


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """One batch's engine. Raises `SettingsError` that names every field out of bounds at once."""

    workers: int = 4
    """Transforms at work at the same time; 1 is sequential."""
    worker_kind: WorkerKind = "threads"
    """`processes` for native code that can hang or crash; needs a `ProcessTransform`."""
    ordered: bool = False
    """Settle in the order of reading."""
    in_flight: int = IN_FLIGHT
    """Records between the reader and their settlement; at least `workers`."""
    in_flight_bytes: int = 16 * MIB
    """Bytes of the same; one larger record travels alone."""
    reorder_window: int = 1000
    """With `ordered`: how many records ahead of the oldest unsettled one others may start."""
    record_timeout_s: float | None = None
    """Bound of one try of one transform, waits between tries not counted; None is no bound."""
    max_tries: int = 3
    """Tries of a transform that raises `TransientError`, the first included."""
    retry_initial_s: float = 0.5
    """Mean wait before the second try; doubles each time."""
    retry_max_wait_s: float = 30.0
    """Longest wait between tries; caps a `retry_after_s` too."""
    retry_total_s: float = 300.0
    """No try begins later than this after the first failure, of a transform as of a commit."""
    queue_records: int = 1000
    """Settlements that may wait for the writer."""
    queue_bytes: int = 64 * MIB
    """Bytes of the same; one larger settlement waits alone."""
    insert_batch: int = 100
    """Most settlements that commit as one transaction."""
    max_wait_s: float = 0.5
    """A settlement waits no longer than this for others to share its transaction."""
    commit_tries: int = 5
    """Tries of a commit that raises `TransientError`, the first included."""
    max_rejects: int | None = None
    """Rejects that a batch bears, one more is fatal; None is no bound."""
    max_reject_rate: float | None = None
    """Share of settled records that may be rejects, looked at from the 100th on; None is no bound."""
    progress_s: float = 5.0
    """Shortest time between two reports of progress."""
    query_timeout_s: float = 60.0
    """The longest that one call of source or sink blocks, as their own timeouts have it: a batch that
    is told to stop waits 2 s and this for its reader and writer, then leaves them behind."""

    def __post_init__(self) -> None:
        faults = [fault for name in _BOUNDS if (fault := self._fault(name))]
        if self.worker_kind not in ("threads", "processes"):
            faults.append("worker_kind must be 'threads' or 'processes'")
        if not faults and self.in_flight < self.workers:
            faults.append(f"in_flight ({self.in_flight}) must be at least workers ({self.workers})")
        if faults:
            raise SettingsError("engine settings: " + "; ".join(faults))

    def _fault(self, name: str) -> str | None:
        value = getattr(self, name)
        if value is None and name in _OPTIONAL:
            return None
        kinds = (int,) if name in _WHOLE else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds):
            return f"{name} must be {'a whole number' if name in _WHOLE else 'a number'}, not {type(value).__name__}"
        lower, upper = _BOUNDS[name]
        if not lower <= value <= upper:
            return f"{name} is {value}, must be {lower:g} to {upper:g}"
        return None
