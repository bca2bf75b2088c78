"""The transform pool: its workers, and the watch over them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from include.engine.abort import Abort
from include.engine.errors import TooManyStuckWorkers
from include.engine.handoff import HandOff
from include.engine.judge import Judge, overdue, rejected
from include.engine.task import Task
from include.engine.worker import AheadWorker, TransformWorker

log = logging.getLogger(__name__)

FEWEST_STUCK = 2
"""Stuck threads that end a batch: as many as there are workers, but with one worker one bad record must cost one."""

SLOW_RUN_S = 0.05
"""After this long in one run, what a worker took along goes back to the others."""


class TransformPool:
    """As many workers as `judges`. `start`, `check` and `join` belong to the supervisor's thread."""

    def __init__(
        self,
        judges: Sequence[Judge],
        handoff: HandOff,
        put: Callable[[Sequence[Task]], None],
        abort: Abort,
        *,
        record_timeout_s: float | None,
        on_last_end: Callable[[], None],
    ) -> None:
        """`record_timeout_s` None leaves overdue records to the transforms; `on_last_end` runs in the last worker."""
        self._judges = list(judges)
        self._handoff = handoff
        self._put = put
        self._abort = abort
        self._record_timeout_s = record_timeout_s
        self._on_last_end = on_last_end
        self._lock = threading.Lock()
        self._working = 0
        self._workers: list[TransformWorker] = []
        self._abandoned: list[TransformWorker] = []
        self.busy_s = [0.0] * len(judges)
        """By worker; of finished runs."""
        self.degraded = False
        """The machine gave fewer threads than asked for."""

    @property
    def abandoned(self) -> int:
        """Threads left behind so far."""
        return len(self._abandoned)

    def start(self) -> None:
        """Start the workers; with fewer threads than asked for, go on with those. Raises when there is none."""
        self._working = len(self._judges)
        for slot in range(len(self._judges)):
            worker = self._worker(slot)
            try:
                worker.start()
            except RuntimeError:
                if not self._workers:
                    raise
                self._give_up_slots(len(self._judges) - slot)
                break
            self._workers.append(worker)

    def check(self) -> None:
        """Replace workers in overdue records; take back what waits behind a slow one."""
        now = time.perf_counter()
        for worker in self._workers.copy():
            task, begun = worker.current, worker.begun
            if task is not None and self._is_overdue(task, now) and task.claim.acquire(blocking=False):
                self._abandon(worker, task, now)
            elif begun and now - begun > SLOW_RUN_S and len(self._workers) > 1 and (tasks := worker.hand_back()):
                self._handoff.give_back(tasks)

    def join(self, deadline: float) -> bool:
        """Wait for the workers until `deadline` on the monotonic clock; True when all ended."""
        for worker in self._workers:
            worker.join(max(0.0, deadline - time.monotonic()))
        return not any(worker.is_alive() for worker in self._workers)

    def _worker(self, slot: int) -> TransformWorker:
        kind = AheadWorker if self._judges[slot].looks_ahead else TransformWorker
        return kind(
            slot,
            self._judges[slot],
            self._handoff,
            self._put,
            self._abort,
            on_busy=self._add_busy,
            on_end=self._count_end,
        )

    def _is_overdue(self, task: Task, now: float) -> bool:
        # Read once: the worker sets it to 0 between tries.
        started = task.started
        return self._record_timeout_s is not None and started > 0 and now - started >= self._record_timeout_s

    def _abandon(self, worker: TransformWorker, task: Task, now: float) -> None:
        """Settle the overdue task, which this thread has claimed, and go on with a new worker."""
        late = Task(task.record, task.index, task.sequence, tries=task.tries)
        late.spent_s = task.spent_s + (self._record_timeout_s or 0.0)
        late.settlement = rejected(late, overdue(self._record_timeout_s))
        self._add_busy(worker.slot, now - worker.begun)
        self._abandoned.append(worker)
        self._handoff.give_back([late, *worker.hand_back()])
        log.warning("a record was overdue, its worker thread is left behind and replaced (%d so far)", self.abandoned)
        stuck = sum(1 for other in self._abandoned if other.is_alive())
        if stuck >= max(len(self._judges), FEWEST_STUCK):
            self._workers.remove(worker)
            raise TooManyStuckWorkers(f"{stuck} worker threads are stuck in overdue records")
        replacement = self._worker(worker.slot)
        self._workers.remove(worker)
        replacement.start()
        self._workers.append(replacement)  # not before: a thread that did not start cannot be joined

    def _give_up_slots(self, slots: int) -> None:
        self.degraded = True
        log.warning("no more threads: the pool runs with %d workers fewer than asked for", slots)
        del self._judges[-slots:]
        with self._lock:
            self._working -= slots
            last = not self._working
        if last:
            self._on_last_end()

    def _add_busy(self, slot: int, seconds: float) -> None:
        self.busy_s[slot] += seconds

    def _count_end(self) -> None:
        with self._lock:
            self._working -= 1
            last = not self._working
        if last:
            self._on_last_end()
