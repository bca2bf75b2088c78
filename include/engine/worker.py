"""One thread of the transform pool."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from include.engine.abort import Abort, Aborted
from include.engine.handoff import HandOff
from include.engine.judge import Judge
from include.engine.task import Task

RUN_S = 0.002
"""A worker takes as many tasks at a time as it has lately judged in this time: one, unless transforms are short."""
RUN_TASKS = 32

_clock = time.perf_counter


class TransformWorker(threading.Thread):
    """Takes tasks in short runs, judges each alone, and puts the settled ones on.

    The supervisor may look at `current` and `begun`, take back what waits (`hand_back`), and claim the
    current task when it is overdue: then this thread is abandoned, and drops its result when it has one.
    """

    def __init__(
        self,
        slot: int,
        judge: Judge,
        handoff: HandOff,
        put: Callable[[Sequence[Task]], None],
        abort: Abort,
        *,
        on_busy: Callable[[int, float], None],
        on_end: Callable[[], None],
    ) -> None:
        """`on_end` is called once, when the thread ends unless it was abandoned."""
        super().__init__(name=f"headrace-worker-{slot + 1}", daemon=True)
        self.slot = slot
        self.current: Task | None = None
        """The task being judged."""
        self.begun = 0.0
        """`perf_counter` at the start of the run at work; 0 between runs."""
        self._judge = judge
        self._handoff = handoff
        self._put = put
        self._abort = abort
        self._on_busy = on_busy
        self._on_end = on_end
        self._waiting: deque[Task] = deque()
        self._settled: deque[Task] = deque()

    def run(self) -> None:
        """Work until everything is settled, the batch ends, or this thread is abandoned."""
        abandoned = False
        try:
            abandoned = not self._work()
        except Aborted:
            pass  # the error that ended the batch is on its way to the caller already
        except BaseException as error:  # noqa: BLE001 - crosses to the main thread as a value
            self._abort.fail(error)
        if not abandoned:
            self._on_end()

    def hand_back(self) -> list[Task]:
        """The supervisor's: take what this worker settled but did not put on yet, then what it did not begin."""
        return [*_drain(self._settled), *_drain(self._waiting)]

    def _work(self) -> bool:
        """False when abandoned: then nothing of the batch may be touched any more."""
        limit, count, size = 1, 0, 0
        while run := self._handoff.take(limit, count, size):
            self.begun = begun = _clock()
            self._waiting.extend(run)
            if not self._judge_run():
                return False
            busy_s = _clock() - begun
            self.begun = 0.0
            self._on_busy(self.slot, busy_s)
            limit = min(RUN_TASKS, max(1, int(RUN_S * len(run) / (busy_s + 1e-9))), limit * 2)
            settled = _drain(self._settled)
            count, size = len(settled), sum([task.record.size for task in settled])
            if settled:
                self._put(settled)
        return True

    def _judge_run(self) -> bool:
        waiting, settled, judge = self._waiting, self._settled, self._judge
        while waiting:
            try:
                task = waiting.popleft()
            except IndexError:  # the supervisor took it back
                break
            self._abort.check()
            if task.settlement is None:
                self.current = task
                try:
                    settlement = judge(task)
                except BaseException:
                    if not task.claim.acquire(blocking=False):
                        return False
                    raise
                self.current = None
                if not task.claim.acquire(blocking=False):
                    return False
                task.settlement = settlement
            settled.append(task)
        return True


def _drain(tasks: deque[Task]) -> list[Task]:
    """Empty a deque that another thread may be emptying too: each task goes to one of them."""
    drained: list[Task] = []
    while tasks:
        try:
            drained.append(tasks.popleft())
        except IndexError:
            break
    return drained
