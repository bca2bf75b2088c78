"""The thread that reads the source."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from include.engine.abort import Abort, Aborted
from include.engine.handoff import HandOff
from include.engine.judge import OLDER_VERSION, rejected, skipped
from include.engine.model import Batch, Prior, Record
from include.engine.ports import Memory, Source
from include.engine.settings import MIB
from include.engine.task import Task

LOOKUP_RECORDS = 200
LOOKUP_BYTES = 4 * MIB
LOOKUP_WAIT_S = 0.05
"""A record waits no longer than this, and one read, for others to share its look-up."""


class ReaderThread(threading.Thread):
    """Pulls records lazily, drops or settles what the warehouse knows already, hands the rest to the workers.

    At most one look-up's records wait here beside those in flight. The source's iterator is opened, used
    and closed in this thread, however the batch ends.
    """

    def __init__(self, batch: Batch, source: Source, handoff: HandOff, abort: Abort, memory: Memory | None) -> None:
        super().__init__(name="headrace-reader", daemon=True)
        self._batch = batch
        self._source = source
        self._handoff = handoff
        self._abort = abort
        self._memory = memory
        self._index = 0
        self.records_read = 0
        """Handed over so far; resumed records are not among them."""
        self.records_resumed = 0
        self.busy_s = 0.0
        """In the source and the look-up."""
        self.ended = threading.Event()
        """Set at the end. After a signal raised amid `join`, that takes the thread for ended (3.11 and 3.12)."""

    def run(self) -> None:
        """Read to the end of the source, or of the batch."""
        try:
            self._read()
            self._handoff.close()
        except Aborted:
            pass  # the error that ended the batch is on its way to the caller already
        except BaseException as error:  # noqa: BLE001 - crosses to the main thread as a value
            self._abort.fail(error)
        finally:
            self.ended.set()

    def _read(self) -> None:
        started = time.perf_counter()
        records = self._source.read(self._batch)
        self.busy_s += time.perf_counter() - started
        try:
            if self._memory is None:
                self._hand_over_each(records)
            else:
                self._hand_over_looked_up(records, self._memory)
        finally:
            close = getattr(records, "close", None)
            if close is not None:
                close()

    def _timed(self, records: Iterator[Record]) -> Iterator[Record]:
        clock, check = time.perf_counter, self._abort.check
        started = clock()
        for record in records:
            self.busy_s += clock() - started
            check()
            yield record
            started = clock()
        self.busy_s += clock() - started

    def _hand_over_each(self, records: Iterator[Record]) -> None:
        for record in self._timed(records):
            self._hand_over(record, None)

    def _hand_over_looked_up(self, records: Iterator[Record], memory: Memory) -> None:
        chunk: list[Record] = []
        size, begun = 0, time.monotonic()
        for record in self._timed(records):
            if not chunk:
                begun = time.monotonic()
            chunk.append(record)
            size += record.size
            if len(chunk) >= LOOKUP_RECORDS or size >= LOOKUP_BYTES or time.monotonic() - begun >= LOOKUP_WAIT_S:
                self._look_up(chunk, memory)
                chunk, size = [], 0
        if chunk:
            self._look_up(chunk, memory)

    def _look_up(self, chunk: list[Record], memory: Memory) -> None:
        started = time.perf_counter()
        priors = memory.prior([record.key for record in chunk])
        self.busy_s += time.perf_counter() - started
        for record in chunk:
            self._hand_over(record, priors.get(record.key))

    def _hand_over(self, record: Record, prior: Prior | None) -> None:
        index = self._index
        self._index = index + 1
        if prior is not None and prior.in_this_cycle and not _is_newer(record, prior):
            self.records_resumed += 1
            return
        task = Task(record, index, self.records_read, prior)
        if prior is not None and _is_older(record, prior):
            task.settlement = skipped(task, OLDER_VERSION)
        elif record.fault is not None:
            task.settlement = rejected(task, record.fault)
        # Counted before a worker can settle it: a commit must never settle more than was read.
        self.records_read += 1
        self._handoff.put(task)


def _is_newer(record: Record, prior: Prior) -> bool:
    """Of a key that comes twice, or has changed since: an attempt that went through would have let it win."""
    return record.version is not None and prior.version is not None and record.version > prior.version


def _is_older(record: Record, prior: Prior) -> bool:
    return record.version is not None and prior.version is not None and record.version < prior.version
