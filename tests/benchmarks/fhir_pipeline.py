"""10,000 patients from the files of an export through the whole pipeline to SQLite, and where flattening is fastest.

    HEADRACE_TEST_DATA=../shared python -m tests.benchmarks.fhir_pipeline [--patients 10000] [--repetitions 3]

The patients are the 300 real ones of the test data, cloned under new ids. Each repetition takes all ways one after the
other into fresh warehouses: one batch from its claim to its end, records, rejects and ledger included. Beside them
stand the flattening alone (JSON bytes to rows in one thread, nothing written), and the same in a pool of threads.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from include.engine.model import Batch
from include.pipelines.fhir.client.export.folder import ExportFolder, FileState
from include.pipelines.fhir.client.settings import FhirSettings
from include.pipelines.fhir.mapping import Mapping
from include.pipelines.fhir.moments import moment_at
from include.pipelines.fhir.pipeline import NAME, FhirPipeline
from include.pipelines.fhir.records import record_of
from include.pipelines.fhir.settings import FhirViewSettings
from include.pipelines.fhir.source.exported import Exported
from include.pipelines.fhir.transform import ViewsTransform
from include.pipelines.fhir.views.manager import DEFINITIONS
from include.warehouse.attempt import Attempt
from include.warehouse.connection import sqlite_warehouse
from include.warehouse.load import load_batch
from tests.benchmarks.fhir_views import patients
from tests.benchmarks.figures import machine, median, ratio, table

TIME = "2026-03-01T12:00:00.000000Z"
DEMOGRAPHICS = ("patient_demographics",)
ALL = ("patient_demographics", "patient_addresses", "patient_contacts", "patient_telecoms")


@dataclass(frozen=True)
class Way:
    """One way of running the pipeline."""

    views: tuple[str, ...]
    kind: str
    workers: int

    def __str__(self) -> str:
        return f"{len(self.views)} view{'s' * (len(self.views) > 1)}, {self.workers} {self.kind}"


WAYS = [Way(DEMOGRAPHICS, "threads", 1), Way(DEMOGRAPHICS, "threads", 2), Way(DEMOGRAPHICS, "processes", 2)]
WAYS += [Way(ALL, "threads", 1), Way(ALL, "processes", 2)]


def write_export(folder: Path, lines: Sequence[bytes]) -> None:
    """As a finished export leaves it."""
    name, text = "output-000000-Patient.ndjson", b"\n".join(lines) + b"\n"
    export = ExportFolder(folder / "export-bench", "bench")
    export.begin()
    export.state.transaction_time = moment_at(TIME)
    export.part(name).write_bytes(text)
    export.complete(
        name, FileState(kind="output", resource_type="Patient", url="bench", size=len(text), lines=len(lines))
    )
    export.finish()


Seconds = tuple[float, float]
"""Of the wall clock, and of this process's CPU: on a busy machine only the second says something."""


def batch_seconds(work: Path, way: Way, count: int) -> Seconds:
    """One batch of all patients, as the ledger has it, and the CPU from its claim to its end."""
    with tempfile.TemporaryDirectory() as folder:
        warehouse = sqlite_warehouse(Path(folder) / "warehouse.db")
        settings = FhirViewSettings.model_validate(
            {
                "views": way.views,
                "read_from": "export",
                "work_folder": work,
                "workers": way.workers,
                "worker_kind": way.kind,
            }
        )
        pipeline = FhirPipeline(settings, None, FhirSettings(base_url="http://127.0.0.1:9/fhir"), warehouse)
        exported = Exported(work)
        export = exported.finished("bench")
        (batch,) = exported.plan(export, "bench", count)
        started = time.process_time()
        line = load_batch(
            pipeline,
            Batch.from_json(batch.to_json()),
            Attempt(NAME, NAME, "bench", "run", "load", 0, "me", 1),
            warehouse,
            settings.engine(),
            stop=threading.Event(),
            skip_unchanged=True,
        )
        if line["records_written"] != count:
            raise SystemExit(f"{line['records_written']} of {count} patients were written")
        return float(line["wall_s"]), time.process_time() - started


def flattening(lines: Sequence[bytes], views: tuple[str, ...], threads: int) -> Seconds:
    """From JSON bytes to rows."""
    transform = ViewsTransform(Mapping([DEFINITIONS], views))

    def work(some: Sequence[bytes]) -> None:
        for line in some:
            transform(record_of(line))

    started, cpu = time.perf_counter(), time.process_time()
    if threads == 1:
        work(lines)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, [lines[at::threads] for at in range(threads)]))
    return time.perf_counter() - started, time.process_time() - cpu


def main() -> None:
    """Print a Markdown table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--patients", type=int, default=10_000)
    arguments.add_argument("--repetitions", type=int, default=3)
    options = arguments.parse_args()
    lines = patients(options.patients)
    with tempfile.TemporaryDirectory() as folder:
        write_export(Path(folder), lines)
        works: dict[str, Callable[[], Seconds]] = {
            f"pipeline: {way}": lambda way=way: batch_seconds(Path(folder), way, len(lines))  # type: ignore[misc]
            for way in WAYS
        }
        for views in (DEMOGRAPHICS, ALL):
            for threads in (1, 10):
                name = f"flattening alone: {Way(views, 'threads', threads)}"
                works[name] = lambda views=views, threads=threads: flattening(lines, views, threads)  # type: ignore[misc]
        found: dict[str, list[Seconds]] = {name: [] for name in works}
        for _ in range(options.repetitions):
            for name, work in works.items():
                found[name].append(work())
    first = [wall for wall, _ in found[f"pipeline: {WAYS[0]}"]]
    rows = [
        (
            name,
            f"{median(wall for wall, _ in seconds):.2f}",
            f"{median(cpu for _, cpu in seconds):.2f}",
            f"{len(lines) / median(wall for wall, _ in seconds):,.0f}",
            f"{ratio([wall for wall, _ in seconds], first):.2f}",
        )
        for name, seconds in found.items()
    ]
    print(f"{machine()}, {len(lines):,} patients\n")
    print(table(("way", "s", "CPU s", "patients/s", "of the first"), rows))


if __name__ == "__main__":
    main()
