"""What the three operators of a pipeline share: its settings, its window, its warehouse and its place in the ledger."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar, cast

from airflow.sdk import BaseOperator, Context

from include.warehouse.airflow_connections import open_warehouse
from include.warehouse.connection import Warehouse
from include.warehouse.pipeline import Pipeline
from include.warehouse.run_settings import RunSettings
from include.warehouse.runs import Run
from include.warehouse.window import Window
from plugins.operators.retry import RETRY_POLICY
from plugins.operators.settings import resolve_settings

S = TypeVar("S", bound=RunSettings)


class PipelineOperator(BaseOperator, Generic[S]):
    """A task of one pipeline. A subclass names the settings model and builds the pipeline from settings."""

    pipeline_name: ClassVar[str]
    settings_type: ClassVar[type[RunSettings]]

    template_fields: Sequence[str] = ("warehouse_conn_id",)

    def __init__(self, *, warehouse_conn_id: str = "headrace_warehouse", **kwargs: Any) -> None:  # noqa: ANN401 - Airflow's own
        # A mapped operator passes every argument that was not given as None.
        super().__init__(**{**kwargs, "retry_policy": kwargs.get("retry_policy") or RETRY_POLICY})
        self.warehouse_conn_id = warehouse_conn_id

    @abstractmethod
    def build(self, settings: S, window: Window | None, warehouse: Warehouse) -> Pipeline:
        """The pipeline for this run; resolves the connections that it needs, once."""

    def window(self, settings: S, context: Context) -> Window | None:
        """The change dates that the run reads; a pipeline that goes on from a watermark may have its own rule."""
        return window_of(settings, context)

    def settings(self, context: Context) -> S:
        """This run's settings; raises `SettingsError` before any work starts."""
        # A ClassVar cannot name the class's own type variable.
        model = cast("type[S]", self.settings_type)
        return resolve_settings(model, context["params"], context["dag_run"].conf, f"headrace_{self.pipeline_name}")

    def warehouse(self, settings: S) -> Warehouse:
        """The target database of the run."""
        return open_warehouse(self.warehouse_conn_id, create_tables=settings.create_tables)


def window_of(settings: RunSettings, context: Context) -> Window | None:
    """The change dates that the run reads: as asked for, else its data interval; None for a run without either.

    A run over listed keys has none: what is listed is read whenever it changed.
    """
    if settings.reads_listed_keys:
        return None
    if settings.window_start is not None and settings.window_end is not None:
        return Window(settings.window_start, settings.window_end)
    start: datetime | None = context.get("data_interval_start")
    end: datetime | None = context.get("data_interval_end")
    # A manual run's interval is the instant of its trigger: nothing lies inside it, so it selects nothing.
    if start is None or end is None or start >= end:
        return None
    return Window(_plain(start), _plain(end))


def _plain(moment: datetime) -> datetime:
    """Airflow's moments are pendulum's, whose differences do not divide by Python's."""
    return datetime.fromisoformat(moment.isoformat())


def run_of(context: Context, pipeline: Pipeline) -> Run:
    """Names the run's line in the ledger."""
    run = context["dag_run"]
    return Run(pipeline.name, pipeline.target.name, run.dag_id, run.run_id)
