"""Who transforms: threads around one transform, or around a worker process each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from include.engine.abort import Abort
from include.engine.errors import SettingsError
from include.engine.judge import Judge
from include.engine.ports import Fit, Transform
from include.engine.process_pool import ProcessPool
from include.engine.process_transform import ProcessTransform
from include.engine.settings import EngineSettings


@dataclass(frozen=True, slots=True)
class Workforce:
    """One judge a worker, and what stands behind them."""

    judges: list[Judge]
    record_timeout_s: float | None
    """For the supervisor of the threads; None where the processes keep the time themselves."""
    processes: ProcessPool | None = None
    degraded: bool = field(default=False)

    @property
    def restarts(self) -> int:
        """Worker processes started again after a kill or a crash."""
        return self.processes.restarts if self.processes else 0

    def close(self) -> None:
        """End the processes, if any."""
        if self.processes is not None:
            self.processes.close()


def recruit(
    transform: Transform | ProcessTransform,
    settings: EngineSettings,
    abort: Abort,
    judge: Callable[[Transform, Fit | None], Judge],
    *,
    check: Callable[[], None],
    fit: Fit | None,
) -> Workforce:
    """Start processes when the settings ask for them; where they do not start, the batch has one thread.

    `check` is called while processes start and may raise. Raises `SettingsError`.
    """
    workers, timeout_s = settings.workers, settings.record_timeout_s
    if settings.worker_kind == "threads":
        shared = judge(transform.load() if isinstance(transform, ProcessTransform) else transform, fit)
        return Workforce([shared] * workers, timeout_s)
    if not isinstance(transform, ProcessTransform):
        raise SettingsError("worker_kind 'processes' needs a ProcessTransform: a callable cannot cross to a process")
    fit_there, fit_here = (fit, None) if transform.fits_itself else (None, fit)
    processes = ProcessPool(transform, workers, timeout_s, abort, fit_there)
    if processes.start(check):
        return Workforce([judge(worker, fit_here) for worker in processes.workers], None, processes)
    return Workforce([judge(transform.load(), fit)], timeout_s, degraded=True)
