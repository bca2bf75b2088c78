"""The three tasks of the FHIR pipeline."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import asdict
from typing import Any

from airflow.sdk import Context

from include.connections.http.clock import Clock
from include.pipelines.fhir.client.connection_parts import settings_from_connection
from include.pipelines.fhir.pipeline import FhirPipeline
from include.pipelines.fhir.settings import FhirViewSettings
from include.warehouse.airflow_connections import service_parts
from include.warehouse.connection import Warehouse
from include.warehouse.window import Window
from plugins.operators.batch import BatchOperator
from plugins.operators.pipeline_operator import PipelineOperator, window_of
from plugins.operators.plan import PlanOperator
from plugins.operators.summarize import SummarizeOperator

BACKFILL = "backfill"
"""Airflow's name for the runs of `airflow backfill create`."""


class FhirTask(PipelineOperator[FhirViewSettings]):
    """A task of the pipeline `fhir_views`."""

    pipeline_name = "fhir_views"
    settings_type = FhirViewSettings

    _stop: threading.Event | None = None
    _run_key = ""

    def execute(self, context: Context) -> Any:  # noqa: ANN401 - what the task of the other base class returns
        """As the task that this is a part of."""
        run = context["dag_run"]
        self._run_key = hashlib.sha256(f"{run.dag_id}/{run.run_id}".encode()).hexdigest()[:16]
        return super().execute(context)

    def window(self, settings: FhirViewSettings, context: Context) -> Window | None:
        """The one that was asked for, or a backfill's interval; other runs go on from the watermark."""
        is_asked_for = settings.window_start is not None or context["dag_run"].run_type == BACKFILL
        return window_of(settings, context) if is_asked_for else None

    def build(self, settings: FhirViewSettings, window: Window | None, warehouse: Warehouse) -> FhirPipeline:
        """Asks the server behind the connection that the settings name."""
        conn_id = settings.source_conn_id
        server = settings_from_connection(conn_id, **asdict(service_parts(conn_id)))
        clock = Clock(self._stop or threading.Event())
        return FhirPipeline(settings, window, server, warehouse, run_key=self._run_key, clock=clock)


class FhirPlanOperator(FhirTask, PlanOperator[FhirViewSettings]):
    """Splits what the server has by type and time of change, or has it exported and splits the files."""


class FhirToSqlOperator(FhirTask, BatchOperator[FhirViewSettings]):
    """Loads one slice of resources into the tables of the views."""


class FhirSummarizeOperator(FhirTask, SummarizeOperator[FhirViewSettings]):
    """Judges a run of the FHIR pipeline."""
