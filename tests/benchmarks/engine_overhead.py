"""The engine's own cost a record: microseconds with a transform and a sink that do nothing.

    python -m tests.benchmarks.engine_overhead [--records 100000] [--workers 1 2 4]

From the project root. It covers reader, hand-off, pool, insert queue, writer and statistics.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Iterator

from include.engine.model import Batch, InsertBatch, KeyRange, Receipt, Record, Rows
from include.engine.run import run_batch
from include.engine.settings import EngineSettings
from include.engine.stats import BatchStats
from tests.benchmarks.figures import machine, table

ROWS: Rows = {"t": [(1, 2, 3)]}


class Source:
    """Counts upwards."""

    def __init__(self, records: int) -> None:
        self.records = records

    def read(self, _: Batch) -> Iterator[Record]:
        for key in range(self.records):
            yield Record(key, None, size=1000)


class Sink:
    """Says that everything is written."""

    def commit(self, insert_batch: InsertBatch) -> Receipt:
        count = len(insert_batch.settlements)
        return Receipt(written=count, rows_written=count)

    def reset(self) -> None:
        pass

    def close(self) -> None:
        pass


def nothing(_: Record) -> Rows:
    return ROWS


def measure(records: int, settings: EngineSettings) -> tuple[float, BatchStats]:
    started = time.process_time()
    batch = Batch(0, KeyRange(None, None), records)
    stats = run_batch(batch, Source(records), nothing, Sink(), settings, stop=threading.Event())
    return (time.process_time() - started) / records * 1e6, stats


def bare_loop(records: int) -> float:
    """What reading and transforming cost without the engine, in µs a record."""
    started = time.process_time()
    for record in Source(records).read(Batch(0, KeyRange(None, None), records)):
        nothing(record)
    return (time.process_time() - started) / records * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    arguments = parser.parse_args()
    bare_us = bare_loop(arguments.records)
    print(f"{machine()}\n{arguments.records} records; read and transform alone: {bare_us:.2f} µs a record\n")
    rows = []
    for ordered in (False, True):
        for workers in arguments.workers:
            cpu_us, stats = measure(arguments.records, EngineSettings(workers=workers, ordered=ordered))
            wall_us = stats.counters.wall_s / arguments.records * 1e6
            order = "ordered" if ordered else "as it is"
            rows.append((workers, order, f"{cpu_us - bare_us:.2f}", f"{wall_us:.2f}", f"{stats.records_per_s():,.0f}"))
    print(table(("workers", "order", "engine, CPU µs", "µs a record", "records/s"), rows))


if __name__ == "__main__":
    main()
