"""What waits between the reader and the workers."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable

from include.engine.abort import Aborted
from include.engine.task import Task

NOTIFY_TASKS = 16
NOTIFY_S = 0.0005


class HandOff:
    """Tasks from the reader to the workers, bounded in records and bytes from `put` until they are settled.

    Waking a thread costs more than a short transform, so a fast reader wakes an idle worker once in 16
    tasks or half a millisecond; what waits behind that when the source blocks, `nudge` brings up. For
    the same reason a blocked reader sleeps until a quarter of the room is free again.
    """

    def __init__(self, max_records: int, max_bytes: int, workers: int, window: int | None = None) -> None:
        """With `window`, no task starts that many or more ahead of the floor that `advance` sets."""
        self._max_records = max_records
        self._max_bytes = max_bytes
        self._workers = workers
        self._window = window
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)
        self._work = threading.Condition(self._lock)
        self._tasks: deque[Task] = deque()
        self._returned: deque[Task] = deque()
        self._in_flight = 0
        self._bytes = 0
        self._idle = 0
        self._reader_waits = False
        self._unannounced = 0
        self._announced_at = 0.0
        self._floor = 0
        self._closed = False
        self._error: BaseException | None = None

    def put(self, task: Task) -> None:
        """The reader's; blocks while the records or bytes in flight are at their bound. Raises `Aborted`."""
        size = task.record.size
        with self._lock:
            while not self._fits(size) and self._error is None:
                self._announce()
                self._reader_waits = True
                self._room.wait()
            self._refuse_when_failed()
            self._tasks.append(task)
            self._in_flight += 1
            self._bytes += size
            self._unannounced += 1
            if self._idle and (
                self._unannounced >= NOTIFY_TASKS or time.perf_counter() - self._announced_at > NOTIFY_S
            ):
                self._announce()

    def close(self) -> None:
        """The reader has delivered everything."""
        with self._lock:
            self._closed = True
            self._work.notify_all()

    def take(self, limit: int, settled: int = 0, settled_bytes: int = 0) -> list[Task]:
        """A worker's: up to `limit` tasks in order, fewer when others would go without.

        Also gives account of what the worker settled since its last take. An empty list means that
        every task of the batch is settled. Raises `Aborted`.
        """
        with self._lock:
            if settled:
                self._settle(settled, settled_bytes)
            self._idle += 1
            while not (ready := self._ready()) and self._error is None and not self._over():
                self._call_reader()
                self._work.wait()
            self._idle -= 1
            self._refuse_when_failed()
            return self._pop(ready, limit) if ready else []

    def take_ready(self, limit: int, settled: int = 0, settled_bytes: int = 0) -> list[Task]:
        """As `take`, but waits for nothing: an empty list says no more than that nothing is ready."""
        with self._lock:
            if settled:
                self._settle(settled, settled_bytes)
            self._refuse_when_failed()
            ready = self._ready() if limit > 0 else 0
            if not ready:
                self._call_reader()
                return []
            return self._pop(ready, limit)

    def give_back(self, tasks: Iterable[Task]) -> None:
        """Tasks that a worker had taken and did not come to; they go first, and never block."""
        with self._lock:
            self._returned.extend(tasks)
            self._work.notify_all()

    def advance(self, floor: int) -> None:
        """Everything below this sequence number is settled in order."""
        with self._lock:
            self._floor = floor
            if self._idle and self._ready():
                self._work.notify_all()

    def nudge(self) -> None:
        """Wake idle workers for tasks that were not announced yet."""
        if self._idle and self._unannounced:
            with self._lock:
                self._announce()

    def fail(self, error: BaseException) -> None:
        """Free the reader and all workers at once; what waits is dropped."""
        with self._lock:
            self._error = self._error or error
            self._tasks.clear()
            self._returned.clear()
            self._room.notify_all()
            self._work.notify_all()

    def _pop(self, ready: int, limit: int) -> list[Task]:
        share = min(limit, max(1, ready // self._workers))
        source = self._returned or self._tasks
        taken = [source.popleft() for _ in range(share)]
        if self._idle and ready > share:
            self._announce()
        return taken

    def _fits(self, size: int) -> bool:
        in_flight = self._in_flight
        return not in_flight or (in_flight < self._max_records and self._bytes + size <= self._max_bytes)

    def _settle(self, records: int, size: int) -> None:
        self._in_flight -= records
        self._bytes -= size
        roomy = self._in_flight <= self._max_records * 3 // 4 and self._bytes <= self._max_bytes * 3 // 4
        if roomy or self._idle:
            self._call_reader()
        if self._over():
            self._work.notify_all()

    def _call_reader(self) -> None:
        if self._reader_waits:
            self._reader_waits = False
            self._room.notify()

    def _ready(self) -> int:
        """Tasks that may start now, of the deque that goes first."""
        if self._returned:
            return len(self._returned)
        tasks = self._tasks
        if not tasks or self._window is None:
            return len(tasks)
        return max(0, min(len(tasks), self._floor + self._window - tasks[0].sequence))

    def _over(self) -> bool:
        return self._closed and not self._in_flight

    def _announce(self) -> None:
        self._unannounced = 0
        self._announced_at = time.perf_counter()
        if self._idle:
            self._work.notify()

    def _refuse_when_failed(self) -> None:
        if self._error is not None:
            raise Aborted from self._error
