"""The worker processes of a pool, one a thread."""

from __future__ import annotations

import logging
from collections.abc import Callable

from include.engine.abort import Abort
from include.engine.ports import Fit
from include.engine.process_transform import ProcessTransform
from include.engine.process_worker import ProcessWorker, WorkerStartError

log = logging.getLogger(__name__)


class ProcessPool:
    """Starts and ends worker processes; between the two, each belongs to its thread."""

    def __init__(
        self, spec: ProcessTransform, size: int, record_timeout_s: float | None, abort: Abort, fit: Fit | None = None
    ) -> None:
        self.workers = [ProcessWorker(spec, record_timeout_s, abort, fit) for _ in range(size)]
        abort.on_abort(lambda _: self.kill())

    def start(self, check: Callable[[], None]) -> bool:
        """Start all at the same time and wait until they are ready; False when they cannot start here.

        `check` is called meanwhile and may raise. Raises `SettingsError` when the transform does not load.
        """
        try:
            for worker in self.workers:
                worker.launch()
            for worker in self.workers:
                worker.await_ready(check)
        except (OSError, WorkerStartError) as error:
            self.close()
            log.warning("worker processes do not start, the batch runs sequentially in this one: %s", error)
            return False
        except BaseException:
            self.close()
            raise
        return True

    @property
    def restarts(self) -> int:
        """Processes started again after a kill or a crash."""
        return sum(worker.restarts for worker in self.workers)

    def kill(self) -> None:
        """Kill all at once; their threads see the batch's end."""
        for worker in self.workers:
            worker.kill()

    def close(self) -> None:
        """End and reap all; only when their threads have ended, or never began."""
        for worker in self.workers:
            worker.close()
