"""Files of rows below a folder, and runs of the csv pipeline over them into a warehouse."""

from __future__ import annotations

import csv
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from include.engine.model import Batch
from include.engine.stats import Progress
from include.pipelines.csv.offers import Offer, offer_from_connection
from include.pipelines.csv.pipeline import CsvPipeline
from include.pipelines.csv.settings import CsvSettings
from include.sandbox.web_apis import API_KEY
from include.warehouse.attempt import Attempt
from include.warehouse.connection import Warehouse
from include.warehouse.load import load_batch
from include.warehouse.window import Window

HEADER = ("Company", "Domain")


def lead(number: int) -> list[str]:
    return [f"Company {number}", f"c{number}.example"]


def write_rows(path: Path, rows: Sequence[Sequence[str]], header: Sequence[str] = HEADER) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


class CsvHouse:
    """`inbox` and `out` in a folder; `origin` is where both services are, None where no step asks any."""

    def __init__(self, folder: Path, warehouse: Warehouse, origin: str | None) -> None:
        self.folder, self.warehouse, self.origin = folder, warehouse, origin
        self.inbox, self.out = folder / "inbox", folder / "out"
        for one in (self.inbox, self.out):
            one.mkdir(exist_ok=True)
        self.extras: dict[str, dict[str, Any]] = {"search": {}, "model": {"model": "small"}}
        self.settings: dict[str, Any] = {"file": "leads.csv", "roots": (self.inbox,), "output_folder": self.out}
        self.runs = 0

    def write(self, rows: int | Sequence[Sequence[str]], name: str = "leads.csv") -> Path:
        path = self.inbox / name
        write_rows(path, [lead(number) for number in range(rows)] if isinstance(rows, int) else rows)
        return path

    def offers(self, settings: CsvSettings) -> dict[str, Offer]:
        if self.origin is None:
            return {}
        return {
            name: offer_from_connection(
                name,
                name,
                host=self.origin,
                password=API_KEY,
                extra=self.extras[name],
                tasks=settings.tasks_at_once,
                workers=settings.workers,
            )
            for name in settings.connections
        }

    def pipeline(
        self, *, window: Window | None = None, paid_after: datetime | None = None, **settings: Any
    ) -> CsvPipeline:
        chosen = CsvSettings(**(self.settings | settings))
        offers = self.offers(chosen)
        return CsvPipeline(chosen, offers, self.warehouse, window=window, paid_after=paid_after)

    def plan(self, **settings: Any) -> list[Batch]:
        pipeline = self.pipeline(**settings)
        return pipeline.plan(pipeline.settings.batch_size or 1000)

    def load(
        self,
        batch: Batch | None = None,
        *,
        run: str | None = None,
        owner: str | None = None,
        stop: threading.Event | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        **settings: Any,
    ) -> dict[str, Any]:
        """One batch, by default the first of a new plan, in a run of its own."""
        pipeline = self.pipeline(**settings)
        batch = batch or pipeline.plan(pipeline.settings.batch_size or 1000)[0]
        self.runs += 1
        named = (run or f"run {self.runs}", "load", batch.index, owner or f"owner {self.runs}")
        attempt = Attempt(pipeline.name, pipeline.target.name, "d", *named, 1)
        return load_batch(
            pipeline,
            batch,
            attempt,
            self.warehouse,
            pipeline.settings.engine(),
            stop=stop or threading.Event(),
            force=pipeline.settings.force,
            skip_unchanged=pipeline.settings.skip_unchanged,
            on_progress=on_progress,
        )
