"""Parse and map alone: µs a record and records a second, by size of document and number of threads.

    python -m tests.benchmarks.xml_parse_map [--seconds 1.0]

Documents and contract are the demo's (160 mapped columns, 6 tables). Each figure is the best of three runs in
this process; threads share one pipeline, as the workers of a batch do. CPU time is that of the process, so it
holds on a machine that is busy with other things; the rates need an idle one.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Callable, Sequence

from include.pipelines.xml.document.parser import DocumentParser, ParseLimits
from include.pipelines.xml.language.files import find_contract
from include.pipelines.xml.mapping.compile import compile_contract
from include.pipelines.xml.tables import target_of
from include.sandbox.lending import FIRST_KEY, lending_document
from include.warehouse.fit import Fitter
from tests.benchmarks.figures import machine, table

SIZES_BYTES = (4_000, 10_000, 30_000, 145_000)
Work = Callable[[str, int], object]


def measure(work: Work, documents: Sequence[str], threads: int, seconds: float) -> tuple[float, float]:
    """Records a second of all threads together, each over all documents in turn, and CPU µs a record."""
    done = [0] * threads
    begin = threading.Barrier(threads + 1)

    def run(worker: int) -> None:
        begin.wait()
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            for position, document in enumerate(documents):
                work(document, FIRST_KEY + position)
            done[worker] += len(documents)

    workers = [threading.Thread(target=run, args=(worker,)) for worker in range(threads)]
    for worker in workers:
        worker.start()
    begin.wait()
    started, cpu = time.perf_counter(), time.process_time()
    for worker in workers:
        worker.join()
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    return sum(done) / wall, 1e6 * cpu / sum(done)


def main() -> None:
    """Print a Markdown table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=1.0, help="of each run")
    seconds: float = arguments.parse_args().seconds
    contract = find_contract("lending")
    plan, parser = compile_contract(contract), DocumentParser(ParseLimits())
    fit = Fitter(target_of(contract), "sqlite")
    stages: dict[str, Work] = {
        "parse": lambda document, key: parser.parse(document),
        "parse, map": lambda document, key: plan.rows(parser.parse(document), key),
        "parse, map, fit": lambda document, key: fit(plan.rows(parser.parse(document), key), key),
    }
    rows = []
    for size in SIZES_BYTES:
        documents = [lending_document(FIRST_KEY + position, 1, size, spread=0) for position in range(50)]
        for name, work in stages.items():
            runs = {threads: [measure(work, documents, threads, seconds) for _ in range(3)] for threads in (1, 2)}
            one, two = (max(rate for rate, _ in runs[threads]) for threads in (1, 2))
            cpu = min(cost for _, cost in runs[1])
            figures = (f"{cpu:.0f}", f"{1e6 / one:.0f}", f"{one:,.0f}", f"{two:,.0f}", f"{two / one:.2f}")
            rows.append((f"{size // 1000} KB", name, *figures))
    head = ("document", "stage", "CPU µs a record", "µs a record", "records/s", "records/s, 2 threads", "ratio")
    print(f"{machine()}\n\n{table(head, rows)}")


if __name__ == "__main__":
    main()
