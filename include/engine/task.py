"""One record on its way through the engine."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from include.engine.model import Prior, Record, Settlement

if TYPE_CHECKING:
    from include.engine.division import Division


@dataclass(slots=True, eq=False)
class Task:
    """A record between the reader and its settlement."""

    record: Record
    index: int
    """Position in the batch's reading order, resumed records counted."""
    sequence: int
    """Position among the tasks of this attempt: without gaps, so order can be kept by it."""
    prior: Prior | None = None
    settlement: Settlement | None = None
    """Set when the record is judged; by the reader for what needs no transform."""
    tries: int = 1
    spent_s: float = 0.0
    """In finished tries."""
    started: float = 0.0
    """`perf_counter` at the start of the try at work; 0 between tries."""
    claim: threading.Lock = field(default_factory=threading.Lock)
    """Taken once, for ever, by whoever settles the task: the worker in time, or the supervisor when overdue."""
    division: Division | None = None
    """Of which this is a part; then its settlement goes there, and nowhere else."""
    part: int = 0
    """Position among the parts."""
