"""The three tasks of the XML pipeline."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Context

from include.pipelines.xml.pipeline import XmlPipeline
from include.pipelines.xml.settings import XmlSettings
from include.warehouse.airflow_connections import open_source
from include.warehouse.connection import Warehouse
from include.warehouse.window import Window
from plugins.operators.batch import BatchOperator
from plugins.operators.pipeline_operator import PipelineOperator
from plugins.operators.plan import PlanOperator
from plugins.operators.summarize import SummarizeOperator


class XmlTask(PipelineOperator[XmlSettings]):
    """A task of the pipeline `xml_records`."""

    pipeline_name = "xml_records"
    settings_type = XmlSettings

    _run_ids: tuple[str, str] | None = None

    def execute(self, context: Context) -> Any:  # noqa: ANN401 - what the task of the other base class returns
        """As the task that this is a part of."""
        self._run_ids = context["dag_run"].dag_id, context["dag_run"].run_id
        return super().execute(context)

    def build(self, settings: XmlSettings, window: Window | None, warehouse: Warehouse) -> XmlPipeline:
        """Reads from the connection that the settings name."""
        source = open_source(settings.source_conn_id)
        return XmlPipeline(settings, window, source, warehouse, run_ids=self._run_ids)


class XmlPlanOperator(XmlTask, PlanOperator[XmlSettings]):
    """Splits the table of documents into key ranges."""


class XmlToSqlOperator(XmlTask, BatchOperator[XmlSettings]):
    """Loads one key range of documents into the contract's tables."""


class XmlSummarizeOperator(XmlTask, SummarizeOperator[XmlSettings]):
    """Judges a run of the XML pipeline."""
