"""What of a worker process's time is transform: the whole's rate over that of the transform alone.

`python -m tests.benchmarks.xml_share`, from the project root. One batch a size goes through `load_batch` with one
worker process; in that process each transform and each fit is timed. Both rates come from the same seconds of the
same process, so a machine whose speed wavers does not disturb their ratio. What is missing to 1 is the passing of
records and rows, and the time in which the process had nothing to do.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from include.engine.model import Batch, Key, KeyRange, Record, Rows
from include.engine.ports import Transform
from include.engine.process_transform import ProcessTransform
from include.pipelines.xml.document.transform import load as load_documents
from include.pipelines.xml.pipeline import XmlPipeline
from include.pipelines.xml.settings import XmlSettings
from include.sandbox.lending import FIRST_KEY, write_sample
from include.warehouse.attempt import Attempt
from include.warehouse.connection import sqlite_warehouse
from include.warehouse.fit import Fitter
from include.warehouse.load import load_batch
from tests.benchmarks.figures import machine, table

RECORDS = {4_000: 20_000, 30_000: 10_000, 145_000: 3_000}
WARM_UP_RECORDS = 300
_clock = time.perf_counter


class Timed:
    """In the worker process: counts the seconds of each transform and of each fit."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._file, self._records = Path(config["figures"]), int(config["records"])
        self._transform = load_documents({name: config[name] for name in ("contract", "limits")})
        self._done = 0
        self._busy_s = self._began_s = 0.0
        fit = Fitter.__call__

        def timed_fit(fitter: Fitter, rows: Rows, key: Key | None = None) -> Rows:
            started = _clock()
            fitted = fit(fitter, rows, key)
            self._busy_s += _clock() - started
            return fitted

        Fitter.__call__ = timed_fit  # type: ignore[method-assign]

    def __call__(self, record: Record) -> Rows:
        started = _clock()
        if self._done == WARM_UP_RECORDS:
            self._began_s, self._busy_s = started, 0.0
        elif self._done == self._records - 1:
            count = self._done - WARM_UP_RECORDS
            figures = {"alone_us": self._busy_s / count * 1e6, "whole_us": (started - self._began_s) / count * 1e6}
            self._file.write_text(json.dumps(figures))
        self._done += 1
        started = _clock()
        rows = self._transform(record)
        self._busy_s += _clock() - started
        return rows


def load(config: Mapping[str, Any]) -> Transform:
    """The factory that the worker process calls."""
    return Timed(config)


class SharePipeline(XmlPipeline):
    figures: Path
    records: int

    def transform(self) -> Any:
        spec = super().transform()
        if not isinstance(spec, ProcessTransform):
            raise TypeError("the settings ask for worker processes")
        config = {**spec.config, "figures": str(self.figures), "records": self.records}
        return replace(spec, factory=f"{__spec__.name}:load", config=config)


def measure(size_bytes: int, folder: Path) -> dict[str, float]:
    source, records = folder / "source.db", RECORDS[size_bytes]
    write_sample(source, records, size_bytes=size_bytes)
    settings = XmlSettings(worker_kind="processes", workers=1)
    warehouse = sqlite_warehouse(folder / "warehouse.db")
    pipeline = SharePipeline(settings, None, sqlite_warehouse(source), warehouse)
    pipeline.figures, pipeline.records = folder / "figures.json", records
    batch = Batch(0, KeyRange(FIRST_KEY, FIRST_KEY + records), records)
    attempt = Attempt(pipeline.name, pipeline.target.name, "benchmark", "run", "load", 0, "owner", 0)
    line = load_batch(pipeline, batch, attempt, warehouse, settings.engine(), stop=threading.Event())
    if line["records_settled"] != records:
        raise RuntimeError(f"{line['records_settled']} of {records} records were settled")
    found: dict[str, float] = json.loads(pipeline.figures.read_text())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(RECORDS), choices=list(RECORDS))
    parser.add_argument("--repetitions", type=int, default=3)
    arguments = parser.parse_args()
    print(machine(), flush=True)
    rows = []
    for size in arguments.sizes:
        for _ in range(arguments.repetitions):
            with tempfile.TemporaryDirectory(prefix="headrace_benchmark_") as folder:
                found = measure(size, Path(folder))
            alone, whole = found["alone_us"], found["whole_us"]
            rows.append([f"{size // 1000} KB", f"{alone:.0f}", f"{whole:.0f}", f"{alone / whole:.2f}"])
    print(table(("documents", "transform µs", "whole µs", "whole of transform"), rows))


if __name__ == "__main__":
    main()
