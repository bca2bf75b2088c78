"""The four tasks of the csv pipeline."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from airflow.sdk import Context, TriggerRule
from airflow.sdk.exceptions import AirflowSkipException

from include.engine.errors import FatalError, HeadraceError
from include.engine.model import Batch
from include.pipelines.csv.offers import Offer, offer_from_connection
from include.pipelines.csv.paid_in_run import paid_in_run
from include.pipelines.csv.pipeline import NAME, CsvPipeline
from include.pipelines.csv.settings import CsvSettings
from include.pipelines.csv.tables import csv_target
from include.warehouse.airflow_connections import service_parts
from include.warehouse.connection import Warehouse
from include.warehouse.runs import Run, run_line
from include.warehouse.window import Window
from plugins.operators.batch import BatchOperator
from plugins.operators.object_store import opened_store
from plugins.operators.pipeline_operator import PipelineOperator
from plugins.operators.plan import PlanOperator
from plugins.operators.summarize import SummarizeOperator


class CsvTask(PipelineOperator[CsvSettings]):
    """A task of the pipeline `csv_enrichment`."""

    pipeline_name = NAME
    settings_type = CsvSettings

    _is_planned = True
    """Whether the run has a line in the ledger when this task begins."""

    _pays_for: Run | None = None
    _built: CsvPipeline | None = None

    def execute(self, context: Context) -> Any:  # noqa: ANN401 - what the task of the other base class returns
        """As the task that this is a part of."""
        run = context["dag_run"]
        self._pays_for = Run(NAME, csv_target().name, run.dag_id, run.run_id)
        return super().execute(context)

    def build(self, settings: CsvSettings, window: Window | None, warehouse: Warehouse) -> CsvPipeline:
        """Reads from the places, and asks the services, whose connections the settings name."""
        objects = opened_store(settings)
        paid_after = self._started(warehouse) if settings.force else None
        self._built = CsvPipeline(
            settings, offers_of(settings), warehouse, objects=objects, window=window, paid_after=paid_after
        )
        return self._built

    def _started(self, warehouse: Warehouse) -> datetime | None:
        """When the run was planned first: what it has paid since is not paid again by its other tasks and tries."""
        if self._pays_for is None or not self._is_planned:
            return None
        line = run_line(warehouse, self._pays_for)
        return datetime.fromisoformat(line["started_at"]) if line is not None else None


def offers_of(settings: CsvSettings) -> dict[str, Offer]:
    """The paid services, by name; raises one `SettingsError` for the first connection that cannot serve."""
    return {
        name: offer_from_connection(
            name,
            conn_id,
            **asdict(service_parts(conn_id)),
            tasks=settings.tasks_at_once,
            workers=settings.workers,
            model=settings.email.get("model") if name == "model" else None,
        )
        for name, conn_id in settings.connections.items()
    }


class CsvPlanOperator(CsvTask, PlanOperator[CsvSettings]):
    """Checks files, columns, steps and services, and splits the rows; a dry run estimates instead."""

    _is_planned = False

    def build(self, settings: CsvSettings, window: Window | None, warehouse: Warehouse) -> CsvPipeline:
        """Listed rows are planned without a look at their files: the rest is checked here."""
        pipeline = super().build(settings, window, warehouse)
        if settings.reads_listed_keys:
            pipeline.check()
        return pipeline

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """As `PlanOperator`; the estimate of a dry run goes to the log, and to XCom as `estimate`."""
        batches: list[dict[str, Any]] = super().execute(context)
        if self._built is not None and self._built.estimate is not None:
            self.log.info("estimate, nothing was called: %s", json.dumps(self._built.estimate, indent=2))
            context["ti"].xcom_push(key="estimate", value=self._built.estimate)
        return batches


class CsvEnrichmentOperator(CsvTask, BatchOperator[CsvSettings]):
    """Enriches the rows of one batch, many at the same time."""


class CsvMergeOperator(CsvTask):
    """Renders each file whose batches have all succeeded, in the order of its rows."""

    _stop: threading.Event | None = None

    def __init__(self, *, plan_task_id: str = "plan", load_task_id: str = "load", **kwargs: Any) -> None:  # noqa: ANN401 - Airflow's own
        super().__init__(**{"trigger_rule": TriggerRule.ALL_DONE, **kwargs})
        self.plan_task_id = plan_task_id
        self.load_task_id = load_task_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Raise `FatalError` naming the files that could not be rendered, after the others were."""
        planned = context["ti"].xcom_pull(task_ids=self.plan_task_id)
        if not planned:
            raise AirflowSkipException("there is no file to render")
        self._stop = threading.Event()
        settings = self.settings(context)
        pipeline = self.build(settings, None, self.warehouse(settings))
        batches = [Batch.from_json(document) for document in planned]
        merged = pipeline.merge(batches, self._done(context), self._stop)
        for uri in merged.unfinished:
            self.log.warning("%s is not rendered: batches of it have not succeeded", uri)
        if merged.failed:
            raise FatalError("; ".join(f"{uri}: {reason}" for uri, reason in merged.failed.items()))
        files = {uri: asdict(rendered) for uri, rendered in merged.rendered.items()}
        return {"files": files, "unfinished": list(merged.unfinished)}

    def on_kill(self) -> None:
        """Only set the event, as `BatchOperator` does."""
        if self._stop is not None:
            self._stop.set()

    def _done(self, context: Context) -> Sequence[int]:
        """A task that failed, or was cleared, has left no line."""
        returned = context["ti"].xcom_pull(task_ids=self.load_task_id)
        lines = returned if isinstance(returned, list) else [returned]
        return [line["batch_index"] for line in lines if line is not None]


class CsvSummarizeOperator(CsvTask, SummarizeOperator[CsvSettings]):
    """Judges a run of the csv pipeline, and says what was paid for."""

    def __init__(self, *, merge_task_id: str = "merge", **kwargs: Any) -> None:  # noqa: ANN401 - Airflow's own
        super().__init__(**kwargs)
        self.merge_task_id = merge_task_id

    def execute(self, context: Context) -> dict[str, Any]:
        """As `SummarizeOperator`; raise `FatalError`, too, where files of a good run were not rendered.

        This task is the last one, and runs whatever happened: else the run would be green without its files.
        """
        report: dict[str, Any] = super().execute(context)
        if report["batches_planned"] and context["ti"].xcom_pull(task_ids=self.merge_task_id) is None:
            raise FatalError(f"the rows are loaded, task {self.merge_task_id} has failed: see its log, then clear it")
        return report

    def measures(self, warehouse: Warehouse, run: Run) -> dict[str, Any]:
        """Calls and tokens by service, as `paid`; answers too old to be used again are deleted, some a run."""
        self._prune()
        return {"paid": paid_in_run(warehouse, run)}

    def _prune(self) -> None:
        if self._built is None or self._built.settings.dry_run:
            return
        try:
            pruned = self._built.prune()
        except HeadraceError as error:  # the next run may find the warehouse well
            self.log.warning("answers too old to be used again are not deleted: %s", error)
        else:
            self.log.info("deleted: %d answers too old to be used again, %d leases", pruned.answers, pruned.leases)
