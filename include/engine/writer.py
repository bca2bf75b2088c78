"""The one thread that writes to the database."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from include.engine.abort import Abort, Aborted
from include.engine.errors import TooManyRejects, TransientError
from include.engine.insert_queue import InsertQueue
from include.engine.model import InsertBatch, Receipt
from include.engine.ports import Sink
from include.engine.retry import RetryPolicy
from include.engine.settings import EngineSettings
from include.engine.tally import Tally

log = logging.getLogger(__name__)

RATE_FROM_RECORDS = 100
"""`max_reject_rate` is looked at from this many settled records on."""


class DatabaseInsertThread(threading.Thread):
    """Takes insert batches from the queue and commits each as one transaction, with ordinals 1, 2, ….

    The first error ends the batch through `abort`, so producers stop at once. When the batch ends early,
    the commit at work comes to its end (that is one query timeout at most) and nothing else is
    committed: what waits in the queue is dropped, and a transient failure is not tried again.
    """

    def __init__(
        self,
        queue: InsertQueue,
        sink: Sink,
        settings: EngineSettings,
        abort: Abort,
        *,
        records_read: Callable[[], int],
        before: Receipt,
        on_done: Callable[[], None],
        began: float,
    ) -> None:
        """`before` is what earlier attempts of the cycle settled: the limits of rejects count it.

        `began` is `perf_counter` at the start of the attempt.
        """
        super().__init__(name="headrace-writer", daemon=True)
        self._before = before
        self._began = began
        self._queue = queue
        self._sink = sink
        self._settings = settings
        self._abort = abort
        self._records_read = records_read
        self._on_done = on_done
        self._policy = RetryPolicy(
            settings.commit_tries, settings.retry_initial_s, settings.retry_max_wait_s, settings.retry_total_s
        )
        self.tally = Tally()
        self.busy_s = 0.0
        self.ended = threading.Event()
        """Set at the end. After a signal raised amid `join`, that takes the thread for ended (3.11 and 3.12)."""

    def run(self) -> None:
        """Write until the queue is closed and drained, or the batch ends."""
        try:
            self._drain()
        except Aborted:
            log.debug("the writer stops: the batch is ending")
        except BaseException as error:  # noqa: BLE001 - crosses to the main thread as a value
            self._abort.fail(error)
        finally:
            self._close_sink()
            self._on_done()
            self.ended.set()

    def _drain(self) -> None:
        ordinal = 0
        while settlements := self._queue.take(self._settings.insert_batch, self._settings.max_wait_s):
            ordinal += 1
            retries = sum([settlement.attempts for settlement in settlements]) - len(settlements)
            started = time.perf_counter()
            insert_batch = InsertBatch(ordinal, settlements, self._records_read(), retries, started - self._began)
            receipt = self._commit(insert_batch)
            insert_s = time.perf_counter() - started
            self.busy_s += insert_s
            self.tally.add(insert_batch, receipt, insert_s)
            self._judge_rejects()

    def _commit(self, insert_batch: InsertBatch) -> Receipt:
        try:
            return self._sink.commit(insert_batch)
        except TransientError as error:
            return self._policy.again(lambda: self._replay(insert_batch), error, self._abort.pause)

    def _replay(self, insert_batch: InsertBatch) -> Receipt:
        self.tally.commit_retries += 1
        log.warning("insert batch %d failed for now and is tried again", insert_batch.ordinal)
        self._sink.reset()
        return self._sink.commit(insert_batch)

    def _judge_rejects(self) -> None:
        counters = self.tally.counters
        rejected = self._before.rejected + counters.records_rejected
        settled = self._before.settled + counters.records_settled
        bound, rate = self._settings.max_rejects, self._settings.max_reject_rate
        if bound is not None and rejected > bound:
            raise TooManyRejects(f"{rejected} of {settled} records were rejected, max_rejects is {bound}")
        if rate is not None and settled >= RATE_FROM_RECORDS and rejected > rate * settled:
            raise TooManyRejects(f"{rejected} of {settled} records were rejected, max_reject_rate is {rate:g}")

    def _close_sink(self) -> None:
        try:
            self._sink.close()
        except Exception as error:  # noqa: BLE001 - what is committed is committed; the class is all that is safe to say
            log.warning("the sink did not close: %s", type(error).__name__)
