"""One mapped task: one batch, from its source to the warehouse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import Event
from typing import Any, TypeVar

from airflow.sdk import Context

from include.engine.model import Batch
from include.engine.stats import Progress
from include.warehouse.attempt import Attempt
from include.warehouse.load import load_batch
from include.warehouse.run_settings import RunSettings
from plugins.operators.pipeline_operator import PipelineOperator

S = TypeVar("S", bound=RunSettings)


class BatchOperator(PipelineOperator[S]):
    """Loads one batch and returns the ledger's line of it: counts, seconds and references, never records.

    Name the mapped tasks with `map_index_template="{{ label }}"` in `partial`: Airflow reads it from there alone.
    """

    template_fields: Sequence[str] = (*PipelineOperator.template_fields, "batch")

    _stop: Event | None = None

    def __init__(self, *, batch: Mapping[str, Any], **kwargs: Any) -> None:  # noqa: ANN401 - Airflow's own
        super().__init__(**kwargs)
        self.batch = batch

    def execute(self, context: Context) -> dict[str, Any]:
        """Raise `FatalError` (no retry), `TransientError` or `BatchStopped` (Airflow retries and resumes)."""
        self._stop = Event()
        batch = Batch.from_json(self.batch)
        context["label"] = batch.label  # type: ignore[typeddict-unknown-key]  # read by map_index_template
        settings = self.settings(context)
        warehouse = self.warehouse(settings)
        pipeline = self.build(settings, self.window(settings, context), warehouse)
        ti = context["ti"]
        attempt = Attempt(
            pipeline=pipeline.name,
            target=pipeline.target.name,
            dag_id=ti.dag_id,
            run_id=ti.run_id,
            task_id=ti.task_id,
            batch_index=batch.index,
            owner=str(ti.id),
            max_tries=ti.max_tries,
            try_number=ti.try_number,
        )
        return load_batch(
            pipeline,
            batch,
            attempt,
            warehouse,
            settings.engine(),
            stop=self._stop,
            force=settings.force,
            skip_unchanged=settings.skip_unchanged,
            dry_run=settings.dry_run,
            on_progress=self._log_progress,
        )

    def on_kill(self) -> None:
        """Only set the event: anything that talks to Airflow's supervisor here can deadlock."""
        if self._stop is not None:
            self._stop.set()

    def _log_progress(self, progress: Progress) -> None:
        counters = progress.counters
        self.log.info(
            "%d of %d records settled, %d of them rejected, after %.0f s; %d wait for the writer",
            counters.records_settled + counters.records_resumed,
            progress.planned_records,
            counters.records_rejected,
            progress.elapsed_s,
            progress.queue_depth,
        )
