"""One try of a batch, and the line of the ledger that it works on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from include.engine.model import Receipt


@dataclass(frozen=True, slots=True)
class Attempt:
    """Who works on a batch. Dag, run, task, batch index and `max_tries` decide whether it resumes."""

    pipeline: str
    target: str
    dag_id: str
    run_id: str
    task_id: str
    batch_index: int
    """The map index; equal to the batch's own index."""
    owner: str
    """New at each try, and later ones sort behind earlier ones (the task instance's id, a UUID of version 7):
    what fences an attempt that was given up."""
    max_tries: int
    """As Airflow counts: constant over retries, raised by a clear or a backfill's reprocess."""
    try_number: int = 1
    """1-based; counts on over retries and clears."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """A batch's current line of the ledger, as an attempt claimed it."""

    cycle_id: int
    pipeline: str
    target: str
    run_id: str
    owner: str
    resumed: bool
    """An earlier attempt of the same cycle may have settled records already."""
    finished: bool = False
    """An earlier attempt settled the whole batch: there is nothing left to do."""
    settled: Receipt = field(default_factory=Receipt)
    """By earlier attempts of this cycle."""
    retries: int = 0
    """Of those."""
    wall_s: float = 0.0
    """Of those; of one that was killed, up to its last commit."""
    stats: dict[str, Any] | None = None
    """Of the earlier attempts of this cycle, as `BatchStats` writes them."""
