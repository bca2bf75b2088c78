"""The three tasks of the FHIR pipeline."""

from __future__ import annotations

import threading
from dataclasses import asdict
from typing import Any

from airflow.sdk import Asset, Context
from airflow.sdk.exceptions import AirflowRuntimeError

from include.connections.http.clock import Clock
from include.pipelines.fhir.client.connection_parts import settings_from_connection
from include.pipelines.fhir.moments import version_at
from include.pipelines.fhir.pipeline import FhirPipeline
from include.pipelines.fhir.settings import FhirViewSettings
from include.pipelines.fhir.watermark import Watermark
from include.warehouse.airflow_connections import service_parts
from include.warehouse.connection import Warehouse
from include.warehouse.runs import Run, run_line
from include.warehouse.window import Window
from plugins.operators.batch import BatchOperator
from plugins.operators.object_store import opened_store
from plugins.operators.pipeline_operator import PipelineOperator, window_of
from plugins.operators.plan import PlanOperator
from plugins.operators.summarize import SummarizeOperator

BACKFILL = "backfill"
"""Airflow's name for the runs of `airflow backfill create`."""

WATERMARK = "watermark"
"""Its name in the state of an asset, and in the report of a run."""


class FhirTask(PipelineOperator[FhirViewSettings]):
    """A task of the pipeline `fhir_views`."""

    pipeline_name = "fhir_views"
    settings_type = FhirViewSettings

    _stop: threading.Event | None = None
    _run_ids: tuple[str, str] | None = None

    def execute(self, context: Context) -> Any:  # noqa: ANN401 - what the task of the other base class returns
        """As the task that this is a part of."""
        self._run_ids = context["dag_run"].dag_id, context["dag_run"].run_id
        return super().execute(context)

    def window(self, settings: FhirViewSettings, context: Context) -> Window | None:
        """The one that was asked for, or a backfill's interval; other runs go on from the watermark."""
        is_asked_for = settings.window_start is not None or context["dag_run"].run_type == BACKFILL
        return window_of(settings, context) if is_asked_for else None

    def build(self, settings: FhirViewSettings, window: Window | None, warehouse: Warehouse) -> FhirPipeline:
        """Asks the server, and keeps in the store, behind the connections that the settings name."""
        conn_id = settings.source_conn_id
        server = settings_from_connection(conn_id, **asdict(service_parts(conn_id)))
        clock = Clock(self._stop or threading.Event())
        objects = opened_store(settings)
        return FhirPipeline(settings, window, server, warehouse, run_ids=self._run_ids, clock=clock, objects=objects)


class FhirPlanOperator(FhirTask, PlanOperator[FhirViewSettings]):
    """Splits what the server has by type and time of change, or has it exported and splits the files."""


class FhirToSqlOperator(FhirTask, BatchOperator[FhirViewSettings]):
    """Loads one slice of resources into the tables of the views."""


class FhirSummarizeOperator(FhirTask, SummarizeOperator[FhirViewSettings]):
    """Judges a run of the FHIR pipeline.

    The state of each outlet asset then shows the watermark, for people and other Dags: the next run goes by the ledger,
    where it was written together with the verdict.
    """

    def execute(self, context: Context) -> Any:  # noqa: ANN401 - as of the class above
        """As of the class above."""
        report = super().execute(context)
        if WATERMARK in report:
            self._show(context, report[WATERMARK])
        return report

    def measures(self, warehouse: Warehouse, run: Run) -> dict[str, Any]:
        """The moment up to which the server was read; nothing for a run over a part."""
        line = run_line(warehouse, run)
        watermark = None if line is None else Watermark.parsed(line["watermark"])
        return {} if watermark is None else {WATERMARK: version_at(watermark.moment)}

    def _show(self, context: Context, moment: str) -> None:
        for outlet in self.outlets:
            if isinstance(outlet, Asset):
                try:
                    context["asset_state_store"][outlet].set(WATERMARK, moment)
                except AirflowRuntimeError as error:
                    # The run has succeeded, and the next one does not read this.
                    self.log.warning("the state of asset %s was not set: %s", outlet.name, error)
