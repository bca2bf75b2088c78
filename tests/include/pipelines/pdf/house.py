"""Three documents, their manifest, and runs of it into a warehouse; on disk, or in S3."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from include.connections.files.objects import ObjectStore
from include.engine.model import Batch
from include.pipelines.pdf.pipeline import PdfPipeline
from include.pipelines.pdf.rows import PAGES
from include.pipelines.pdf.settings import PdfSettings
from include.warehouse.attempt import Attempt
from include.warehouse.connection import Warehouse
from include.warehouse.load import load_batch
from include.warehouse.window import Window
from tests.fixtures.object_store import ObjectServer
from tests.fixtures.pdf_files import text_pdf
from tests.include.pipelines.pdf.entries import entry, write_lines

NAMES = ["0.pdf", "1.pdf", "2.pdf"]


class House:
    """On disk."""

    def __init__(self, folder: Path, work_folder: Path, warehouse: Warehouse) -> None:
        self.folder, self.warehouse = folder, warehouse
        self.settings: dict[str, Any] = {"roots": (folder,), "work_folder": work_folder, "ocr": "never", "workers": 1}
        self.objects: ObjectStore | None = None
        self.window: Window | None = None
        self.runs = 0
        for name in NAMES:
            text_pdf(folder / name, [f"{name} page {page}" for page in (1, 2)])
        self.write_manifest([entry(name, metadata={"of": name}) for name in NAMES])

    def write_manifest(self, entries: list[Mapping[str, Any]]) -> None:
        write_lines(self.folder / "manifest.ndjson", entries)

    def pipeline(self, **settings: Any) -> PdfPipeline:
        chosen = PdfSettings(**(self.settings | settings))
        return PdfPipeline(chosen, self.warehouse, objects=self.objects, window=self.window)

    def load(
        self,
        batch: Batch | None = None,
        *,
        force: bool = False,
        run: str | None = None,
        stop: threading.Event | None = None,
        **settings: Any,
    ) -> dict[str, Any]:
        """One batch, by default all that a new plan has, in a run of its own."""
        pipeline = self.pipeline(**settings)
        self.runs += 1
        run_id = run or f"run {self.runs}"
        batch = batch or pipeline.plan(100)[0]
        owner = f"owner {self.runs}"
        attempt = Attempt(pipeline.name, pipeline.target.name, "d", run_id, "load", batch.index, owner, 1)
        return load_batch(
            pipeline,
            batch,
            attempt,
            self.warehouse,
            pipeline.settings.engine(),
            stop=stop or threading.Event(),
            force=force,
            skip_unchanged=pipeline.settings.skip_unchanged,
        )

    def rows(self, table: str) -> list[dict[str, Any]]:
        target = self.pipeline().target.table(table)
        with self.warehouse.connect() as connection:
            return [dict(row._mapping) for row in connection.execute(sa.select(target))]

    def texts(self) -> set[str]:
        return {row["text"] for row in self.rows(PAGES)}


class ObjectHouse(House):
    """The same documents below `s3://cases/incoming/`, and nothing on disk; their manifest names no sizes."""

    def __init__(self, folder: Path, warehouse: Warehouse, s3: ObjectServer) -> None:
        self.s3 = s3
        super().__init__(folder, folder, warehouse)
        self.settings |= {
            "roots": (),
            "work_folder": "s3://cases/work/",
            "manifest": "s3://cases/incoming/case.ndjson",
            "s3_conn_id": "store",
            "s3_prefixes": ("s3://cases/incoming/",),
        }
        self.objects = ObjectStore(s3.client(), ["s3://cases/incoming/"])
        for name in NAMES:
            s3.put(f"incoming/{name}", (folder / name).read_bytes())
        self.write_manifest([entry(f"s3://cases/incoming/{name}") for name in NAMES])

    def write_manifest(self, entries: list[Mapping[str, Any]]) -> None:
        super().write_manifest(entries)
        self.s3.put("incoming/case.ndjson", (self.folder / "manifest.ndjson").read_bytes())
