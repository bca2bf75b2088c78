"""One task of `xml_records`: a process that does one part of the work on one range of keys.

`python -m tests.benchmarks.xml_task '{"part": …}'`, from the project root. It gets ready, says so in a line, waits
for a line, works, and answers with its figures as JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from include.engine.abort import Abort
from include.engine.insert_queue import InsertQueue
from include.engine.model import Batch, KeyRange, Outcome, Record, Rows, Settlement
from include.engine.process_worker import ProcessWorker
from include.engine.writer import DatabaseInsertThread
from include.pipelines.xml.document.transform import DocumentTransform
from include.pipelines.xml.pipeline import XmlPipeline
from include.pipelines.xml.settings import XmlSettings
from include.sandbox.lending import FIRST_KEY
from include.warehouse.attempt import Attempt
from include.warehouse.connection import sqlite_warehouse
from include.warehouse.fit import Fitter
from include.warehouse.kinship import within_record
from include.warehouse.ledger import Ledger
from include.warehouse.load import load_batch
from include.warehouse.schema import prepare
from include.warehouse.sink import WarehouseSink

WARM_UP_RECORDS = 300
"""Done before the clock starts: what a process does once (imports, statements, contract) is no part of a rate."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a task is to do."""

    part: str
    """`transform`, `insert` or `whole`."""
    source: str
    warehouse: str
    index: int
    """Of the task."""
    first: int
    """Position of its first record in the source."""
    records: int
    workers: int | None = None
    insert_batch: int | None = None
    worker_kind: str | None = None
    """None, as for the two above, is the pipeline's default."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a task measured; `perf_counter` is the machine's, so two tasks compare."""

    records: int
    began_s: float
    """Of a whole with a worker process: when that was first ready."""
    ended_s: float
    cpu_s: float
    """With the start of a worker process."""


class Task:
    """The parts are built as `load_batch` builds them."""

    def __init__(self, order: Order) -> None:
        self.order = order
        given = {"workers": order.workers, "insert_batch": order.insert_batch, "worker_kind": order.worker_kind}
        self.settings = XmlSettings(**{name: value for name, value in given.items() if value is not None})
        self.warehouse = sqlite_warehouse(Path(order.warehouse))
        self.pipeline = XmlPipeline(self.settings, None, sqlite_warehouse(Path(order.source)), self.warehouse)
        self.fit = within_record(self.pipeline.target, Fitter(self.pipeline.target, self.warehouse.name))
        self._map = DocumentTransform(self.pipeline.contract, self.settings.limits())

    def transform(self, record: Record) -> Rows:
        """In this process, whatever the kind of workers."""
        return self.fit(self._map(record), record.key)

    def ready(self) -> Callable[[], int]:
        """Do what is not measured; gives what is, which says how many records it did."""
        order = self.order
        warm_up = Batch(100 + order.index, _range(order.first, WARM_UP_RECORDS), WARM_UP_RECORDS)
        batch = Batch(order.index, _range(order.first + WARM_UP_RECORDS, order.records), order.records)
        match order.part:
            case "transform":
                self._transform(self._read(warm_up))
                records = self._read(batch)
                return lambda: self._transform(records)
            case "insert":
                self._insert(warm_up, self._settlements(warm_up))
                settlements = self._settlements(batch)
                return lambda: self._insert(batch, settlements)
            case "whole":
                self._whole(warm_up)
                return lambda: self._whole(batch)
        raise ValueError(order.part)

    def _read(self, batch: Batch) -> list[Record]:
        return list(self.pipeline.source().read(batch))

    def _transform(self, records: list[Record]) -> int:
        """Parse, map and fit in as many threads as a batch has workers; the rows are dropped."""
        waiting = iter(records)
        lock = threading.Lock()

        def take() -> list[Record]:
            with lock:
                return list(islice(waiting, 8))

        def work() -> None:
            while run := take():
                for record in run:
                    self.transform(record)

        threads = [threading.Thread(target=work) for _ in range(self.settings.workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return len(records)

    def _settlements(self, batch: Batch) -> list[Settlement]:
        hashed = self.pipeline.content_hash
        return [
            Settlement(
                record.key,
                Outcome.WRITTEN,
                rows=self.transform(record),
                version=record.version,
                content_hash=hashed(record),
                size=record.size,
            )
            for record in self.pipeline.source().read(batch)
        ]

    def _insert(self, batch: Batch, settlements: list[Settlement]) -> int:
        """Through queue and writer, with `records` and the ledger."""
        engine, target, abort, done = self.settings.engine(), self.pipeline.target, Abort(), threading.Event()
        retired = prepare(self.warehouse, self.pipeline.name, target)
        cycle = Ledger(self.warehouse).claim(self._attempt(batch), batch, self.pipeline.fingerprint)
        queue = InsertQueue(engine.queue_records, engine.queue_bytes)
        abort.on_abort(queue.fail)
        writer = DatabaseInsertThread(
            queue,
            WarehouseSink(self.warehouse, cycle, target, retired),
            engine,
            abort,
            records_read=lambda: len(settlements),
            before=cycle.settled,
            on_done=done.set,
            began=time.perf_counter(),
        )
        writer.start()
        for settlement in settlements:
            queue.put([settlement])
        queue.close()
        done.wait()
        if abort.error is not None:
            raise abort.error
        return writer.tally.counters.records_settled

    def _whole(self, batch: Batch) -> int:
        line = load_batch(
            self.pipeline,
            batch,
            self._attempt(batch),
            self.warehouse,
            self.settings.engine(),
            stop=threading.Event(),
        )
        return int(line["records_written"])

    def _attempt(self, batch: Batch) -> Attempt:
        names = self.pipeline.name, self.pipeline.target.name
        return Attempt(*names, "benchmark", "run", "load", batch.index, f"task {self.order.index}", 0)


def _range(first: int, records: int) -> KeyRange:
    return KeyRange(FIRST_KEY + first, FIRST_KEY + first + records)


def _answers() -> Iterator[str]:
    for line in sys.stdin:
        yield line.strip()


def _cpu_s() -> float:
    """Of this process and of its worker processes that have ended, as they have after a batch."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _moments_of_readiness() -> list[float]:
    """From here on, when each worker process began to work."""
    moments: list[float] = []
    await_ready = ProcessWorker.await_ready

    def noted(worker: ProcessWorker, check: Callable[[], None]) -> None:
        await_ready(worker, check)
        moments.append(time.perf_counter())

    ProcessWorker.await_ready = noted  # type: ignore[method-assign]
    return moments


def main() -> None:
    order = Order(**json.loads(sys.argv[1]))
    work = Task(order).ready()
    print("ready", flush=True)
    next(_answers())
    ready = _moments_of_readiness()
    began_s, cpu_s = time.perf_counter(), _cpu_s()
    done = work()
    figures = Figures(done, ready[0] if ready else began_s, time.perf_counter(), _cpu_s() - cpu_s)
    if done != order.records:
        raise RuntimeError(f"{order.part}: {done} of {order.records} records were done")
    print(json.dumps(asdict(figures)), flush=True)


if __name__ == "__main__":
    main()
