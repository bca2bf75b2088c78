"""The last task of a run: judges it once, whatever happened before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from airflow.sdk import Asset, Context, TriggerRule

from include.engine.errors import FatalError
from include.engine.model import Batch
from include.warehouse.connection import Warehouse
from include.warehouse.pipeline import Pipeline, mark_names_of
from include.warehouse.run_settings import RunSettings
from include.warehouse.runs import Run, read_whole_at
from include.warehouse.summary import judge_run
from include.warehouse.vanished import settle_vanished
from plugins.operators.pipeline_operator import PipelineOperator, run_of

S = TypeVar("S", bound=RunSettings)


class SummarizeOperator(PipelineOperator[S]):
    """Compares planned with loaded batches, sums their statistics and writes the run to the ledger.

    Fails the run on a missing or failed batch and on more rejects than allowed; on success each outlet asset gets
    an event that carries the counts. Airflow emits it for a dry run too: `dry_run` in it says so.
    """

    def __init__(self, *, plan_task_id: str = "plan", load_task_id: str = "load", **kwargs: Any) -> None:  # noqa: ANN401 - Airflow's own
        super().__init__(**{"trigger_rule": TriggerRule.ALL_DONE, **kwargs})
        self.plan_task_id = plan_task_id
        self.load_task_id = load_task_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Raise `FatalError` naming the missing and failed batches, or the reject limit."""
        planned = context["ti"].xcom_pull(task_ids=self.plan_task_id)
        if planned is None:
            raise FatalError(f"task {self.plan_task_id} left no plan: see its log, fix the cause and clear it")
        settings = self.settings(context)
        warehouse = self.warehouse(settings)
        pipeline = self.build(settings, self.window(settings, context), warehouse)
        run = run_of(context, pipeline)
        summary = judge_run(
            warehouse,
            run,
            [Batch.from_json(document) for document in planned],
            settings,
            task_id=self.load_task_id,
            reported=self._reported(context),
            mark_names=mark_names_of(pipeline),
            fingerprint=pipeline.fingerprint,
        )
        vanished = self._vanished(settings, pipeline, warehouse, run, is_empty=not planned)
        report = summary.to_json() | {"records_vanished": vanished, "dry_run": settings.dry_run}
        report |= self.measures(warehouse, run)
        self._emit(context, self.outlets, report)
        return report

    def measures(self, warehouse: Warehouse, run: Run) -> dict[str, Any]:
        """What a pipeline tells of its run besides, by name; nothing of the ledger's own counts."""
        del warehouse, run
        return {}

    def _vanished(
        self, settings: S, pipeline: Pipeline, warehouse: Warehouse, run: Run, *, is_empty: bool
    ) -> int | None:
        """How many loaded records the source has no more; None when nobody looked."""
        if settings.vanished == "keep" or settings.dry_run:
            return None
        # As it was planned: other runs that were cleared or ended since may have changed the watermark.
        read_at = read_whole_at(warehouse, run)
        if read_at is None:
            self.log.info("vanished records are not looked for: this run read a part of the source")
            return None
        if is_empty:
            self.log.info("vanished records are not looked for: the source is empty, what is loaded stays")
            return None
        count = settle_vanished(warehouse, run, pipeline.target, settings.vanished, read_at=read_at)
        self.log.info("%d loaded records are no longer in the source (vanished: %s)", count, settings.vanished)
        return count

    def _reported(self, context: Context) -> list[dict[str, Any]]:
        """What the batches returned: one pull for all, since each item of a mapped XCom costs a round trip."""
        returned = context["ti"].xcom_pull(task_ids=self.load_task_id)
        lines = returned if isinstance(returned, list) else [returned]
        return [line for line in lines if line is not None]

    @staticmethod
    def _emit(context: Context, outlets: Sequence[Any], report: dict[str, Any]) -> None:
        counts: dict[str, Any] = {name: value for name, value in report.items() if isinstance(value, int | float)}
        for outlet in outlets:
            if isinstance(outlet, Asset):
                context["outlet_events"][outlet].extra = counts
