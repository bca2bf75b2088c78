"""How near the csv pipeline comes to concurrency over latency, against both sandbox APIs in a process of their own.

    python -m tests.benchmarks.csv_enrichment [--even-rows 3000] [--slow-rows 20000] [--insert-batch 5]

Two batches, each from claim to end, with answers, rows, records and ledger in SQLite: 300 rows in flight at 1 s + 2 s;
and 60 in flight at 0.1 s + 0.2 s, where 1 % of the answers take 20 times as long. Every row has a domain of its own, so
each makes two calls. The rate counts the rows whose last answer came before the last row was begun: until then no
worker is idle. What comes after that is the drain.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from include.warehouse.connection import sqlite_warehouse
from tests.benchmarks.figures import machine, table
from tests.include.pipelines.csv.house import CsvHouse

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Case:
    name: str
    rows: int
    workers: int
    search_s: float
    model_s: float
    slow_share: float = 0.0
    slow_factor: float = 20.0

    @property
    def ideal(self) -> float:
        """Rows a second: concurrency over mean latency."""
        return self.workers / ((self.search_s + self.model_s) * (1 + self.slow_share * (self.slow_factor - 1)))


@contextmanager
def sandbox(case: Case) -> Iterator[str]:
    """Its address; a process of its own shares no interpreter lock with the pipeline."""
    told = {"search-latency": case.search_s, "model-latency": case.model_s, "slow-share": case.slow_share}
    options = [f"--{name}={value}" for name, value in told.items()]
    command = [sys.executable, "-m", "include.sandbox.web_apis", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def calls_of(origin: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{origin}/calls") as answer:
        found: list[dict[str, Any]] = json.load(answer)
    return found


def measured(case: Case, insert_batch: int) -> list[object]:
    with tempfile.TemporaryDirectory() as folder, sandbox(case) as origin:
        house = CsvHouse(Path(folder), sqlite_warehouse(Path(folder) / "warehouse.db"), origin)
        house.write(case.rows)
        settings = {"workers": case.workers, "batch_size": case.rows, "insert_batch": insert_batch}
        (batch,) = house.plan(**settings)
        cpu, started = time.process_time(), time.perf_counter()
        line = house.load(batch, **settings)
        wall, cpu = time.perf_counter() - started, time.process_time() - cpu
        assert line["records_written"] == case.rows, line["rejected_by_code"]
        calls = calls_of(origin)
        assert len(calls) == 2 * case.rows
    return [case.name, case.rows, insert_batch, *rates(case, calls, wall), f"{1000 * cpu / case.rows:.1f}"]


def rates(case: Case, calls: Sequence[dict[str, Any]], wall: float) -> list[object]:
    begun = [call["arrived"] for call in calls if call["api"] == "search"]
    done = [call["answered"] for call in calls if call["api"] == "model"]
    first, last = min(begun), max(begun)
    rate = sum(moment <= last for moment in done) / (last - first)
    drain = max(done) - last
    rest = wall - (max(done) - first)
    figures = (case.ideal, rate, rate / case.ideal, case.rows / wall / case.ideal)
    return [*(f"{figure:.2f}" for figure in figures), f"{drain:.1f}", f"{rest:.1f}", f"{wall:.1f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--even-rows", type=int, default=3000, help="0 leaves the first case out")
    parser.add_argument("--slow-rows", type=int, default=20_000, help="0 leaves the second case out")
    parser.add_argument("--insert-batch", type=int, nargs="+", default=[5])
    told = parser.parse_args()
    cases = [
        Case("1 s + 2 s", told.even_rows, 300, 1.0, 2.0),
        Case("0.1 s + 0.2 s, 1 % slow", told.slow_rows, 60, 0.1, 0.2, slow_share=0.01),
    ]
    head = [
        "case",
        "rows",
        "a commit",
        "ideal/s",
        "rows/s",
        "of ideal",
        "all of it",
        "drain s",
        "around s",
        "wall s",
        "CPU ms/row",
    ]
    print(machine())
    print(table(head, [measured(case, size) for case in cases if case.rows for size in told.insert_batch]))


if __name__ == "__main__":
    main()
