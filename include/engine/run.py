"""run_batch, the only composer of the engine's threads."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from include.engine.abort import Abort
from include.engine.bugs import rejection_of
from include.engine.errors import BatchStopped, HeadraceError, LedgerMismatch
from include.engine.handoff import HandOff
from include.engine.heap import HEAP
from include.engine.insert_queue import InsertQueue
from include.engine.judge import Judge
from include.engine.model import Batch, Receipt
from include.engine.pool import TransformPool
from include.engine.ports import ContentHash, Fit, Memory, Sink, Source, Transform
from include.engine.process_transform import ProcessTransform
from include.engine.reader import ReaderThread
from include.engine.samples import Samples
from include.engine.sequencer import Sequencer
from include.engine.settings import EngineSettings
from include.engine.stats import BatchStats, Counters, Progress
from include.engine.task import Task
from include.engine.workforce import Workforce, recruit
from include.engine.writer import DatabaseInsertThread

log = logging.getLogger(__name__)

TICK_S = 0.05
"""The supervisor looks this often at the stop event, overdue records and progress."""
STOP_S = 2.0
"""All threads but those in a query end within this time when the batch ends early; when told to stop, only the
writer's query is waited for."""

OnProgress = Callable[[Progress], None]
OnEnd = Callable[[BatchStats, BaseException | None], None]


@HEAP.spared()
def run_batch(
    batch: Batch,
    source: Source,
    transform: Transform | ProcessTransform,
    sink: Sink,
    settings: EngineSettings,
    *,
    stop: threading.Event,
    ending: threading.Event | None = None,
    fit: Fit | None = None,
    memory: Memory | None = None,
    content_hash: ContentHash | None = None,
    skip_unchanged: bool = False,
    settled_before: Receipt | None = None,
    on_progress: OnProgress | None = None,
    on_end: OnEnd | None = None,
) -> BatchStats:
    """Read, transform and commit every record of a batch; the calling thread only supervises.

    With `memory`, records that this cycle settled already are dropped (`records_resumed`), those older than
    the warehouse's are skipped (`older_version`), and with `skip_unchanged` those of an equal
    `content_hash` too (`unchanged`). `settled_before`, by earlier attempts, counts for the limits of rejects.
    `ending` is set as soon as the batch begins to end early, whatever the reason. `on_progress` and `on_end` are called
    in the calling thread; `on_end` exactly once, before this returns or raises, with the error that it will raise.

    Raises the first error of any thread, unchanged: `FatalError` and its kinds, `TransientError` of the
    source or of a commit that ran out of tries, `BatchStopped` after `stop` was set. What was committed
    stays. An exception that a signal raises in the calling thread sets `stop` and ends all threads first.
    The sink is closed in every case.
    """
    abort = Abort(ending)
    run = _BatchRun(batch, settings, stop, abort)
    failure: BaseException | None = None

    def judge(one: Transform, fit_after: Fit | None) -> Judge:
        return Judge(one, settings, abort, content_hash, skip_unchanged=skip_unchanged, fit=fit_after)

    try:
        workforce = recruit(transform, settings, abort, judge, check=run.check_stop, fit=fit)
        run.start(source, sink, memory, workforce, settled_before or Receipt())
        run.supervise(on_progress)
    except BaseException as error:  # noqa: BLE001 - a signal's exception too must free the threads before it goes on
        run.end_by(error)
        failure = error
    try:
        run.join(sink)
        if failure is None:
            run.check_ledger()
    except BaseException as error:  # noqa: BLE001 - as above; on_end comes first
        run.end_by(error)
        failure = failure or error
        run.join(sink)
    stats = run.stats()
    _report(on_end, stats, failure)
    if failure is not None:
        try:
            raise failure
        finally:
            del failure  # its traceback holds this frame: without this they keep each other alive
    return stats


class _BatchRun:
    """The threads of one batch, seen from the supervisor."""

    def __init__(self, batch: Batch, settings: EngineSettings, stop: threading.Event, abort: Abort) -> None:
        self._batch = batch
        self._settings = settings
        self._stop = stop
        self._abort = abort
        self._finished = threading.Event()
        self._started = time.perf_counter()
        self._depth = Samples()
        self._queue = InsertQueue(settings.queue_records, settings.queue_bytes)
        self._workforce: Workforce | None = None
        self._reader: ReaderThread | None = None
        self._pool: TransformPool | None = None
        self._writer: DatabaseInsertThread | None = None

    def start(self, source: Source, sink: Sink, memory: Memory | None, workforce: Workforce, before: Receipt) -> None:
        """Start writer, workers and reader, in this order: each finds the next one there."""
        settings, abort, queue = self._settings, self._abort, self._queue
        self._workforce = workforce
        window = settings.reorder_window if settings.ordered else None
        handoff = HandOff(settings.in_flight, settings.in_flight_bytes, len(workforce.judges), window)
        for free in (queue.fail, handoff.fail, lambda _: self._finished.set()):
            abort.on_abort(free)
        reader = ReaderThread(self._batch, source, handoff, abort, memory)
        writer = DatabaseInsertThread(
            queue,
            sink,
            settings,
            abort,
            records_read=lambda: reader.records_read,
            before=before,
            on_done=self._finished.set,
            began=self._started,
        )
        self._pool = TransformPool(
            workforce.judges,
            handoff,
            Sequencer(queue, handoff).put if settings.ordered else _straight_to(queue),
            abort,
            record_timeout_s=workforce.record_timeout_s,
            on_last_end=queue.close,
        )
        self._handoff = handoff
        self.check_stop()
        self._reader, self._writer = reader, writer
        writer.start()
        self._pool.start()
        reader.start()

    def supervise(self, on_progress: OnProgress | None) -> None:
        """Watch until the writer is done; raises the first error of any thread, or `BatchStopped`."""
        due_s = self._settings.progress_s
        while not self._finished.wait(TICK_S):
            self.check_stop()
            if self._pool is not None:
                self._pool.check()
            self._handoff.nudge()
            elapsed_s = time.perf_counter() - self._started
            self._depth.offer(elapsed_s, self._queue.depth)
            if on_progress is not None and elapsed_s >= due_s:
                self._tell(on_progress, elapsed_s)
                due_s = elapsed_s + self._settings.progress_s
        if self._abort.error is not None:
            raise self._abort.error

    def check_stop(self) -> None:
        """Raise `BatchStopped`, or the error that came before it, when the batch is told to stop."""
        if self._stop.is_set():
            raise self._abort.error or BatchStopped(f"batch {self._batch.index} was told to stop")

    def end_by(self, error: BaseException) -> None:
        """Free all threads. One of a signal, as an execution timeout, stops them like a kill.

        Those that wait for another's lock look at the stop event alone.
        """
        if error is not self._abort.error and not isinstance(error, HeadraceError):
            self._stop.set()
        self._abort.fail(error)

    def join(self, sink: Sink) -> None:
        """Wait for the threads within their bounds; those that do not come are left behind as daemons."""
        deadline = time.monotonic() + STOP_S
        if self._pool is not None and not self._pool.join(deadline):
            log.warning("batch %d: workers that do not come back from their records are left behind", self._batch.index)
        elif self._workforce is not None:
            self._workforce.close()
        for thread in (self._reader, self._writer):
            if thread is None or thread.ident is None:  # never started
                continue
            # What the reader has in hand can be read again; the writer may be amid a commit.
            hurries = thread is self._reader and self._stop.is_set()
            query_s = 0.0 if hurries else self._settings.query_timeout_s
            if not thread.ended.wait(max(0.0, deadline + query_s - time.monotonic())):
                log.warning("batch %d: %s does not come back, it is left behind", self._batch.index, thread.name)
        if self._writer is None or self._writer.ident is None:
            sink.close()

    def check_ledger(self) -> None:
        """Hold the promise of a batch that succeeds: what was read is settled."""
        counters = self._counters()
        if counters.records_read != counters.records_settled:
            raise LedgerMismatch(
                f"batch {self._batch.index}: {counters.records_read} records were read, "
                f"{counters.records_settled} are settled"
            )

    def stats(self) -> BatchStats:
        """What was committed and measured so far."""
        stats = BatchStats(
            index=self._batch.index,
            planned_records=self._batch.planned_records,
            queue_depth=self._depth,
            queue_peak=self._depth.peak,
            counters=self._counters(),
        )
        stats.measured_s = stats.counters.wall_s
        if self._reader is not None:
            stats.reader_busy_s = self._reader.busy_s
        if self._pool is not None and self._workforce is not None:
            stats.worker_busy_s = self._pool.busy_s.copy()
            stats.workers_abandoned = self._pool.abandoned
            stats.workers_restarted = self._workforce.restarts
            stats.degraded = self._pool.degraded or self._workforce.degraded
        if self._writer is not None:
            stats.writer_busy_s = self._writer.busy_s
            self._writer.tally.copy_to(stats)
        return stats

    def _counters(self) -> Counters:
        counters = self._writer.tally.counters if self._writer is not None else Counters()
        wall_s = time.perf_counter() - self._started
        if self._reader is None:
            return replace(counters, wall_s=wall_s)
        return replace(
            counters,
            records_read=self._reader.records_read,
            records_resumed=self._reader.records_resumed,
            read_s=self._reader.busy_s,
            wall_s=wall_s,
        )

    def _tell(self, on_progress: OnProgress, elapsed_s: float) -> None:
        batch = self._batch
        progress = Progress(batch.index, batch.planned_records, self._counters(), self._queue.depth, elapsed_s)
        try:
            on_progress(progress)
        except Exception as error:  # noqa: BLE001 - telling how far the batch is must not be what ends it
            log.warning("batch %d: the report of progress failed: %s", batch.index, rejection_of(error).message)


def _straight_to(queue: InsertQueue) -> Callable[[Sequence[Task]], None]:
    def put(tasks: Sequence[Task]) -> None:
        queue.put([task.settlement for task in tasks if task.settlement is not None])

    return put


def _report(on_end: OnEnd | None, stats: BatchStats, failure: BaseException | None) -> None:
    if on_end is None:
        return
    try:
        on_end(stats, failure)
    except Exception as error:
        if failure is None:
            raise
        # The batch's own error must not hide behind that of its report.
        log.warning("batch %d: the report of its failure failed too: %s", stats.index, rejection_of(error).message)
