"""What the garbage collector need not look at while a batch runs."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Heap:
    """The objects of this process. Thread-safe; there is one, `HEAP`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blocks = 0

    @contextmanager
    def spared(self) -> Iterator[None]:
        """Keep everything that exists out of the collector's full passes, until the last such block ends.

        A full pass holds all threads while it looks at every object there is, modules and classes above all: 80 ms for
        the 90,000 of a bare process, more in a task of Airflow, every second or two of short records. A worker process
        that has less than that ahead falls idle. What a batch makes itself is collected as ever. At the end all is
        thawed, also what an executor froze before it forked: that is to share memory with a task, which ends then.
        """
        self._enter()
        try:
            yield
        finally:
            self._leave()

    def _enter(self) -> None:
        with self._lock:
            if not self._blocks:
                gc.freeze()
            self._blocks += 1

    def _leave(self) -> None:
        with self._lock:
            self._blocks -= 1
            if not self._blocks:
                gc.unfreeze()


HEAP = Heap()
