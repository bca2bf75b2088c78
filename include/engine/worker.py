"""One thread of the transform pool."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

from include.engine.abort import Abort, Aborted
from include.engine.division import Division
from include.engine.handoff import HandOff
from include.engine.judge import Judge
from include.engine.task import Task

RUN_S = 0.002
"""A worker takes as many tasks at a time as it has lately judged in this time: one, unless transforms are short."""
RUN_TASKS = 32
AHEAD_S = 0.05
AHEAD_TASKS = 256
"""A worker process has at most that much work waiting, as far as the last records tell: many times the 5 ms for
which the interpreter may keep its thread here from going on, beside the reader and the writer."""

RUN_BYTES = 1024 * 1024
"""What is settled is put on at this size, however many tasks a run still has: the insert queue bounds it from there."""

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
        self._expected = 0
        self._settled: deque[Task] = deque()
        self._settled_bytes = 0

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
        waiting = self._waiting
        limit, count, size = 1, 0, 0
        while True:
            if waiting:
                waiting.extend(self._handoff.take_ready(limit - len(waiting), count, size))
            else:
                run = self._handoff.take(limit, count, size)
                if not run:
                    return True
                waiting.extend(run)
            each_s = self._judge_run(max(1, len(waiting)))
            if each_s is None:
                return False
            limit = min(RUN_TASKS, max(1, int(RUN_S / each_s)), limit * 2)
            count, size = self._put_on()

    def _judge_run(self, most: int) -> float | None:
        """Judge this many of those that wait, or fewer large ones; the seconds of each, None when abandoned."""
        self.begun = begun = _clock()
        self._settled_bytes = judged = 0
        for _ in range(most):
            try:
                task = self._waiting.popleft()
            except IndexError:  # the supervisor took it back
                break
            self._abort.check()
            if not self._judge_one(task):
                return None
            judged += 1
            if self._settled_bytes >= RUN_BYTES:
                break
        busy_s = _clock() - begun
        self.begun = 0.0
        self._on_busy(self.slot, busy_s)
        return busy_s / max(1, judged) + 1e-9

    def _judge_one(self, task: Task) -> bool:
        if task.division is not None and task.division.is_over:
            return True
        if task.settlement is None:
            self.current = task
            try:
                judged = self._judge(task)
            except BaseException:
                if not task.claim.acquire(blocking=False):
                    return False
                raise
            self.current = None
            if isinstance(judged, Division):
                self._handoff.give_back(judged.tasks)
                return True
            if not task.claim.acquire(blocking=False):
                return False
            task.settlement = judged
        settled = task if task.division is None else self._judge.settle_whole(task)
        if settled is not None:
            if settled.settlement is not None:
                self._settled_bytes += settled.settlement.size
            self._settled.append(settled)
        return True

    def _put_on(self) -> tuple[int, int]:
        """Put on what is settled; how many, and their bytes."""
        settled = _drain(self._settled)
        if settled:
            self._put(settled)
        return len(settled), sum([task.record.size for task in settled])


class AheadWorker(TransformWorker):
    """Keeps a worker process some records ahead: while this thread looks at an answer, the process has the next.

    Only where records are short; a process with a long one has no use for more, and others may be free.
    """

    def _work(self) -> bool:
        waiting = self._waiting
        limit, count, size = 1, 0, 0
        while True:
            if waiting:
                waiting.extend(self._handoff.take_ready(limit - len(waiting), count, size))
            else:
                self._expected = 0
                self._judge.drop_ahead()
                run = self._handoff.take(limit, count, size)
                if not run:
                    return True
                waiting.extend(run)
            # Half of them: the process has the other half while these are put on and the next are taken.
            most = max(1, len(waiting) // 2)
            each_s = self._judge_run(most)
            if each_s is None:
                return False
            limit = min(AHEAD_TASKS, max(1, int(AHEAD_S / each_s)), limit * 2)
            count, size = self._put_on()

    def _judge_one(self, task: Task) -> bool:
        if not self._expected:
            self._judge.expect(task)
        self._expected = max(0, self._expected - 1)
        self._look_ahead()
        return super()._judge_one(task)

    def _look_ahead(self) -> None:
        with suppress(IndexError):  # the supervisor took them back
            while self._expected < len(self._waiting) and self._judge.expect(self._waiting[self._expected]):
                self._expected += 1


def _drain(tasks: deque[Task]) -> list[Task]:
    """Empty a deque that another thread may be emptying too: each task goes to one of them."""
    drained: list[Task] = []
    while tasks:
        try:
            drained.append(tasks.popleft())
        except IndexError:
            break
    return drained
