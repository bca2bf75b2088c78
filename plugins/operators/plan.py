"""The first task of a run: what there is to read, as batches."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

from airflow.sdk import Context

from include.engine.errors import SettingsError
from include.engine.model import Batch
from include.engine.plan import auto_batch_size
from include.warehouse.clock import utc_now
from include.warehouse.connection import Warehouse
from include.warehouse.key_lists import drop_old_lists, list_of_run, plan_listed, refuse_other_kind, store_open_rejects
from include.warehouse.ledger import Ledger
from include.warehouse.pipeline import Checking, Choosing, Dated, Pipeline
from include.warehouse.run_settings import RunSettings
from include.warehouse.runs import WHOLE_AT, Run, start_run
from include.warehouse.schema import prepare
from plugins.operators.pipeline_operator import PipelineOperator, run_of

S = TypeVar("S", bound=RunSettings)


class PlanOperator(PipelineOperator[S]):
    """Checks settings, contract, tables and connections, then splits the source into batches.

    Whatever is wrong with the input is found here, before any batch starts. Returns the list of batches to map
    over, at most 1,000 references of at most 1 KB.
    """

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Raise `SettingsError` for bad input; an empty list skips the mapped tasks."""
        settings = self.settings(context)
        settings.engine()
        window = self.window(settings, context)
        warehouse = self.warehouse(settings)
        pipeline = self.build(settings, window, warehouse)
        prepare(warehouse, pipeline.name, pipeline.target)
        run = run_of(context, pipeline)
        began = utc_now()
        # Before planning: a key that appears in between is read twice rather than never.
        watermark = None if settings.dry_run else pipeline.watermark()
        batches = self._plan(settings, warehouse, pipeline, run)
        whole_at = _read_at(pipeline, began).isoformat() if pipeline.reads_everything else None
        told = settings.model_dump(mode="json") | {WHOLE_AT: whole_at}
        start_run(warehouse, run, batches, settings=told, window=window, watermark=watermark)
        planned = sum(batch.planned_records for batch in batches)
        self.log.info("%d records planned in %d batches", planned, len(batches))
        return [batch.to_json() for batch in batches]

    def _plan(self, settings: S, warehouse: Warehouse, pipeline: Pipeline, run: Run) -> list[Batch]:
        size = settings.batch_size or auto_batch_size(
            Ledger(warehouse).measured_rate(pipeline.name, pipeline.target.name), settings.target_batch_s
        )
        if settings.reads_listed_keys and isinstance(pipeline, Checking):
            pipeline.check()
        if settings.open_rejects_only:
            list_id = list_of_run(run)
            chosen = pipeline.chooses() if isinstance(pipeline, Choosing) else None
            count = store_open_rejects(warehouse, list_id, pipeline.name, pipeline.target, chosen)
            drop_old_lists(warehouse, run)
            self.log.info("reading the %d records whose reject is open", count)
            return plan_listed(warehouse, list_id, size)
        if settings.key_list is not None:
            refuse_other_kind(warehouse, settings.key_list, pipeline.target)
            batches = plan_listed(warehouse, settings.key_list, size)
            if not batches:
                raise SettingsError(f"key_list {settings.key_list}: the warehouse has no such list, or it is empty")
            count = sum(batch.planned_records for batch in batches)
            self.log.info("reading the %d keys of list %s", count, settings.key_list)
            return batches
        self.log.info("reading %s", pipeline.scope())
        return pipeline.plan(size)


def _read_at(pipeline: Pipeline, began: datetime) -> datetime:
    """The earlier of both: a clock that is behind keeps what another would remove."""
    moment = pipeline.read_at() if isinstance(pipeline, Dated) else None
    return began if moment is None else min(began, moment)
