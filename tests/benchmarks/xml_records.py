"""The XML pipeline, its parts side by side: parse and map alone, insert alone, and the whole engine.

    python -m tests.benchmarks.xml_records [--sizes 4000 30000 145000] [--repetitions 5] [--seconds 8]

From the project root. Each figure is a fresh process, or two at once on the same files, as one or two mapped tasks
are; all start in the same state, on a warehouse that is empty but for a warm-up. A repetition runs all figures of a
size one after the other, and ratios are taken within it. See README.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from include.sandbox.lending import write_sample
from tests.benchmarks.figures import busy_s, machine, median, ratio, table
from tests.benchmarks.xml_task import WARM_UP_RECORDS, Figures, Order

KINDS = ("threads", "processes")
"""Of the one worker that a task has: in its own process, or beside it."""
WHOLES = tuple(f"whole, {kind}" for kind in KINDS)
PARTS = ("transform", "insert", *WHOLES)
TASKS = (1, 2)
MAX_OTHERS = 0.15
"""Cores that other programs may use before a figure is taken again."""
MAX_TRIES = 5
RECORDS_A_SECOND = {4_000: 4_000, 30_000: 1_600, 145_000: 600}
"""Roughly, of one task: what a figure's number of records is made from."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One size of document, and how it is worked."""

    size_bytes: int
    records: int
    source: Path
    workers: int | None
    insert_batch: int | None


@dataclass(frozen=True, slots=True)
class Measured:
    """One figure of one repetition."""

    records_a_second: float
    cpu_us: float
    """A record, of all processes together."""
    others: float
    """Cores that other programs kept busy meanwhile, on average; 0 where the system does not tell."""


def undisturbed(setting: Setting, part: str, tasks: int) -> Measured:
    """Measure again while other programs get in the way, a few times; the least disturbed one counts."""
    tries: list[Measured] = []
    while len(tries) < MAX_TRIES and not any(measured.others <= MAX_OTHERS for measured in tries):
        tries.append(measure(setting, part, tasks))
    return min(tries, key=lambda measured: measured.others)


def measure(setting: Setting, part: str, tasks: int) -> Measured:
    """Run `tasks` processes at once, each on a range of its own; the rate is that of all together."""
    with tempfile.TemporaryDirectory(prefix="headrace_benchmark_") as folder:
        processes = [_start(setting, part, index, Path(folder) / "warehouse.db") for index in range(tasks)]
        for process in processes:
            _line(process)
        busy_before_s, started_s = busy_s(), time.perf_counter()
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        found = [Figures(**json.loads(_line(process))) for process in processes]
        busy_after_s, elapsed_s = busy_s(), time.perf_counter() - started_s
        for process in processes:
            process.communicate()
    records = sum(figures.records for figures in found)
    wall_s = max(figures.ended_s for figures in found) - min(figures.began_s for figures in found)
    cpu_s = sum(figures.cpu_s for figures in found)
    busy = cpu_s if busy_before_s is None or busy_after_s is None else busy_after_s - busy_before_s
    return Measured(records / wall_s, cpu_s / records * 1e6, max(0.0, busy - cpu_s) / elapsed_s)


def _start(setting: Setting, part: str, index: int, warehouse: Path) -> subprocess.Popen[str]:
    name, _, kind = part.partition(", ")
    order = Order(
        part=name,
        source=str(setting.source),
        warehouse=str(warehouse),
        index=index,
        first=index * (setting.records + WARM_UP_RECORDS),
        records=setting.records,
        workers=setting.workers,
        insert_batch=setting.insert_batch,
        worker_kind=kind or None,
    )
    command = [sys.executable, "-m", "tests.benchmarks.xml_task", json.dumps(asdict(order))]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _line(process: subprocess.Popen[str]) -> str:
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise RuntimeError(f"a task ended without an answer, exit code {process.wait()}")
    return line


Repetitions = dict[tuple[str, int], list[Measured]]


def rates(found: Repetitions, part: str, tasks: int) -> list[float]:
    return [measured.records_a_second for measured in found[part, tasks]]


def slower(found: Repetitions, tasks: int) -> list[float]:
    """The rate of the slower part, by repetition."""
    return [min(pair) for pair in zip(rates(found, "transform", tasks), rates(found, "insert", tasks), strict=True)]


RATES = (
    "documents", "tasks", "worker in", "transform/s", "insert/s", "whole/s", "whole of slower", "of one task",
    "a minute", "others",
)  # fmt: skip
COSTS = ("documents", "tasks", "worker in", "transform, CPU µs", "insert, CPU µs", "whole, CPU µs", "the rest")


def rate_row(size_bytes: int, found: Repetitions, tasks: int, kind: str) -> list[str]:
    parts = ("transform", "insert", f"whole, {kind}")
    medians = [median(rates(found, part, tasks)) for part in parts]
    whole = rates(found, parts[-1], tasks)
    return [
        f"{size_bytes // 1000} KB",
        str(tasks),
        kind,
        *(f"{rate:,.0f}" for rate in medians),
        f"{ratio(whole, slower(found, tasks)):.2f}",
        f"{ratio(whole, rates(found, parts[-1], 1)):.2f}",
        f"{60 * medians[-1]:,.0f}",
        f"{max(measured.others for part in parts for measured in found[part, tasks]):.2f}",
    ]


def cost_row(size_bytes: int, found: Repetitions, tasks: int, kind: str) -> list[str]:
    parts = ("transform", "insert", f"whole, {kind}")
    transform, insert, whole = (median(measured.cpu_us for measured in found[part, tasks]) for part in parts)
    costs = (transform, insert, whole, whole - transform - insert)
    return [f"{size_bytes // 1000} KB", str(tasks), kind, *(f"{cost:.0f}" for cost in costs)]


def repeat(setting: Setting, repetitions: int) -> Repetitions:
    """All figures of one size, `repetitions` times over."""
    found: Repetitions = defaultdict(list)
    for _ in range(repetitions):
        for tasks in TASKS:
            for part in PARTS:
                found[part, tasks].append(undisturbed(setting, part, tasks))
    return found


def run(sizes: Sequence[int], repetitions: int, seconds: float, workers: int | None, insert_batch: int | None) -> None:
    """Print each size's figures as soon as it is done."""
    print(machine(), flush=True)
    for size in sizes:
        records = int(RECORDS_A_SECOND[size] * seconds)
        with tempfile.TemporaryDirectory(prefix="headrace_benchmark_") as folder:
            source = Path(folder) / "source.db"
            write_sample(source, max(TASKS) * (records + WARM_UP_RECORDS), size_bytes=size)
            found = repeat(Setting(size, records, source, workers, insert_batch), repetitions)
        print(f"\n{records} records a task, {repetitions} repetitions\n", flush=True)
        lines = [(size, found, tasks, kind) for kind in KINDS for tasks in TASKS]
        print(table(RATES, [rate_row(*line) for line in lines]), flush=True)
        print("\n" + table(COSTS, [cost_row(*line) for line in lines]), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(RECORDS_A_SECOND), choices=list(RECORDS_A_SECOND))
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=8.0, help="of one figure, roughly")
    parser.add_argument("--workers", type=int, help="workers a task; left out, the pipeline's default")
    parser.add_argument("--insert-batch", type=int, help="records a transaction; left out, the pipeline's default")
    arguments = parser.parse_args()
    run(arguments.sizes, arguments.repetitions, arguments.seconds, arguments.workers, arguments.insert_batch)


if __name__ == "__main__":
    main()
