"""Insert alone: fit and commit records of 6 tables, 11 rows and 160 fields, with `records` and the ledger.

    python -m tests.benchmarks.insert_alone [records] [insert_batch]

From the project root. The busy neighbour is a thread of pure Python, as a slow transform would be.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import sqlalchemy as sa

from include.engine.model import Batch, InsertBatch, KeyRange, Outcome, Rows, Settlement
from include.warehouse.attempt import Attempt
from include.warehouse.connection import Warehouse, sqlite_warehouse
from include.warehouse.fit import Fitter
from include.warehouse.ledger import Ledger
from include.warehouse.schema import prepare
from include.warehouse.sink import WarehouseSink
from include.warehouse.target import Target
from tests.benchmarks.figures import machine, table

CHILD_ROWS = {"party": 3, "address": 3, "income": 2, "asset": 1, "note": 1}
KINDS = (sa.String(60), sa.Numeric(14, 2), sa.Date(), sa.DateTime(), sa.Integer(), sa.Boolean(), sa.Text())
VALUES = (
    "a value of text",
    Decimal("12345.67"),
    date(2024, 5, 6),
    datetime.fromisoformat("2024-05-06T07:08:09"),
    42,
    True,
    "more text",
)


def lending() -> Target:
    """60 columns in the base table, 10 in each child row: 160 fields a record."""
    metadata = sa.MetaData()
    base = [sa.Column("app_id", sa.BigInteger, primary_key=True)]
    base += [sa.Column(f"field_{n}", KINDS[n % len(KINDS)]) for n in range(59)]
    tables = [sa.Table("app_base", metadata, *base)]
    for name in CHILD_ROWS:
        columns = [sa.Column(f"field_{n}", KINDS[n % len(KINDS)]) for n in range(8)]
        link = sa.Column("app_id", sa.ForeignKey("app_base.app_id"), nullable=False)
        tables.append(sa.Table(name, metadata, link, sa.Column("position", sa.Integer, nullable=False), *columns))
    return Target("lending", "app_id", tables)


def rows_of(key: int) -> Rows:
    rows = {"app_base": [(key, *(VALUES[n % len(VALUES)] for n in range(59)))]}
    for name, count in CHILD_ROWS.items():
        rows[name] = [(key, position, *(VALUES[n % len(VALUES)] for n in range(8))) for position in range(count)]
    return rows


def open_sink(warehouse: Warehouse, target: Target) -> WarehouseSink:
    retired = prepare(warehouse, "benchmark", target)
    attempt = Attempt("benchmark", target.name, "dag", f"run {time.time_ns()}", "load", 0, "owner", 0)
    cycle = Ledger(warehouse).claim(attempt, Batch(0, KeyRange(None, None), 0), "fingerprint")
    return WarehouseSink(warehouse, cycle, target, retired)


@contextmanager
def busy_neighbour(wanted: bool) -> Iterator[None]:
    """A thread that never gives the interpreter away by itself, as a parser of pure Python would."""
    stop = threading.Event()

    def spin() -> None:
        total = 0
        while not stop.is_set():
            total += sum(range(200))

    thread = threading.Thread(target=spin, daemon=True)
    if wanted:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        if wanted:
            thread.join()


def measure(warehouse: Warehouse, target: Target, records: int, insert_batch: int) -> float:
    """Microseconds a record."""
    fitter = Fitter(target, warehouse.name)
    batches = []
    for number, start in enumerate(range(0, records, insert_batch), start=1):
        keys = range(start, min(start + insert_batch, records))
        settlements = [
            Settlement(key, Outcome.WRITTEN, rows=fitter(rows_of(key)), content_hash="0" * 64) for key in keys
        ]
        batches.append(InsertBatch(number, settlements, start + len(keys)))
    sink = open_sink(warehouse, target)
    started = time.perf_counter()
    for batch in batches:
        sink.commit(batch)
    elapsed = time.perf_counter() - started
    sink.close()
    return elapsed / records * 1e6


def main() -> None:
    records, insert_batch = (int(argument) for argument in (sys.argv[1:] or ("5000", "100")))
    target = lending()
    fitter, rows = Fitter(target, "sqlite"), rows_of(1)
    started = time.perf_counter()
    for _ in range(2000):
        fitter(rows, 1)
    figures = [("fit", (time.perf_counter() - started) / 2000 * 1e6)]
    with tempfile.TemporaryDirectory() as folder:
        warehouse = sqlite_warehouse(Path(folder) / "warehouse.db")
        for name, wanted in (("first load", False), ("replace", False), ("replace, busy neighbour", True)):
            with busy_neighbour(wanted):
                figures.append((name, measure(warehouse, target, records, insert_batch)))
    print(f"{machine()}\n{records} records, {insert_batch} a transaction\n")
    print(table(("part", "µs a record"), [(name, f"{cost_us:.0f}") for name, cost_us in figures]))


if __name__ == "__main__":
    main()
