"""The three tasks of the PDF pipeline."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Context

from include.pipelines.pdf.ledger_statistics import run_statistics, statistics_of
from include.pipelines.pdf.pipeline import PdfPipeline
from include.pipelines.pdf.settings import PdfSettings
from include.warehouse.connection import Warehouse
from include.warehouse.load import DRY_RUN
from include.warehouse.runs import Run
from include.warehouse.window import Window
from plugins.operators.batch import BatchOperator
from plugins.operators.object_store import opened_store
from plugins.operators.pipeline_operator import PipelineOperator
from plugins.operators.plan import PlanOperator
from plugins.operators.summarize import SummarizeOperator


class PdfTask(PipelineOperator[PdfSettings]):
    """A task of the pipeline `pdf_text`."""

    pipeline_name = "pdf_text"
    settings_type = PdfSettings

    def build(self, settings: PdfSettings, window: Window | None, warehouse: Warehouse) -> PdfPipeline:
        """Reads from the folders, and through the connection, that the settings name."""
        return PdfPipeline(settings, warehouse, objects=opened_store(settings), window=window)


class PdfPlanOperator(PdfTask, PlanOperator[PdfSettings]):
    """Checks the whole manifest, pins a copy of it, and splits that by lines."""


class PdfToSqlOperator(PdfTask, BatchOperator[PdfSettings]):
    """Reads the documents of one batch in worker processes, and loads their text."""

    def execute(self, context: Context) -> dict[str, Any]:
        """The ledger's line with how fast the batch was, as `documents`; raises as every batch does."""
        line = super().execute(context)
        if line["state"] == DRY_RUN:
            return line
        found = statistics_of([line])
        rates = [found[name] for name in ("total", "documents_per_hour", "pages", "pages_per_second")]
        self.log.info("%d documents (%.0f an hour), %d pages (%.1f a second)", *rates)
        return line | {"documents": found}


class PdfSummarizeOperator(PdfTask, SummarizeOperator[PdfSettings]):
    """Judges a run of the PDF pipeline, and says how fast it was."""

    def measures(self, warehouse: Warehouse, run: Run) -> dict[str, Any]:
        """Documents an hour, pages a second and the slowest, as `documents`."""
        return {"documents": run_statistics(warehouse, run)}
