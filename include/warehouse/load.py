"""One batch from claim to verdict: the composition that a mapped task runs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import sqlalchemy as sa

from include.engine.errors import HeadraceError, LedgerMismatch
from include.engine.model import Batch
from include.engine.ports import Fit, Source
from include.engine.run import run_batch
from include.engine.settings import EngineSettings
from include.engine.stats import BatchStats, Progress
from include.warehouse.attempt import Attempt, Cycle
from include.warehouse.connection import Warehouse
from include.warehouse.fit import Fitter
from include.warehouse.found_tables import find_tables
from include.warehouse.guarded_sink import GuardedSink
from include.warehouse.kinship import within_record
from include.warehouse.ledger import FAILED, SUCCEEDED, Ledger
from include.warehouse.pipeline import BeforeCommit, Equipped, Following, Obeying, Pipeline
from include.warehouse.records import WarehouseMemory
from include.warehouse.schema import prepare
from include.warehouse.sink import DrySink, WarehouseSink
from include.warehouse.table_name import TableName
from include.warehouse.tables import records

log = logging.getLogger(__name__)

DRY_RUN = "dry_run"
NO_CYCLE = 0
"""Cycles count from 1."""


def load_batch(
    pipeline: Pipeline,
    batch: Batch,
    attempt: Attempt,
    warehouse: Warehouse,
    settings: EngineSettings,
    *,
    stop: threading.Event,
    force: bool = False,
    skip_unchanged: bool = False,
    dry_run: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
) -> dict[str, Any]:
    """Load one batch and return its line of the ledger as a plain dict: references and statistics only.

    Resumes the cycle of an earlier attempt where the ledger says that this is its retry; where that
    attempt had succeeded and only its answer was lost, its line comes back and nothing is read.
    `skip_unchanged` leaves records alone whose content hash is what the target holds, unless `force`.
    A dry run reads, transforms and compares with what is remembered, and touches neither tables nor ledger.

    Raises what `run_batch` raises, after the counts of the attempt are in the ledger.
    """
    skipping = skip_unchanged and not force
    if dry_run:
        return _dry_run(
            pipeline, batch, warehouse, settings, stop=stop, skip_unchanged=skipping, on_progress=on_progress
        )
    retired = prepare(warehouse, pipeline.name, pipeline.target)
    ledger = Ledger(warehouse, stop)
    cycle = ledger.claim(attempt, batch, pipeline.fingerprint)
    if cycle.finished:
        log.info("cycle %d had succeeded already: nothing is left to load", cycle.cycle_id)
        _follow(pipeline, cycle, stop)
        return ledger.line(cycle.cycle_id)
    if cycle.resumed:
        log.info("cycle %d goes on: %d records are settled", cycle.cycle_id, cycle.settled.settled)
    look_up = cycle.resumed or skipping
    memory = WarehouseMemory(warehouse, pipeline.name, pipeline.target.name, cycle.cycle_id, stop)
    closing = _Closing(ledger, cycle, memory)
    sink = WarehouseSink(warehouse, cycle, pipeline.target, retired, stop)
    ending = threading.Event()
    with closing.unless_told(), _equipment(pipeline, stop, ending) as before_commit:
        run_batch(
            batch,
            _source(pipeline, stop),
            pipeline.transform(),
            sink if before_commit is None else GuardedSink(sink, before_commit),
            settings,
            stop=stop,
            ending=ending,
            fit=_fit(pipeline, warehouse),
            memory=memory if look_up else None,
            content_hash=pipeline.content_hash,
            skip_unchanged=skipping,
            settled_before=cycle.settled,
            on_progress=on_progress,
            on_end=closing,
        )
    _follow(pipeline, cycle, stop)
    return closing.line


def _source(pipeline: Pipeline, stop: threading.Event) -> Source:
    if isinstance(pipeline, Obeying):
        pipeline.obey(stop)
    return pipeline.source()


def _equipment(
    pipeline: Pipeline, stop: threading.Event, ending: threading.Event
) -> AbstractContextManager[BeforeCommit | None]:
    return pipeline.equipment(stop, ending) if isinstance(pipeline, Equipped) else nullcontext()


def _follow(pipeline: Pipeline, cycle: Cycle, stop: threading.Event) -> None:
    if isinstance(pipeline, Following):
        pipeline.after_batch(cycle.cycle_id, stop)


def _fit(pipeline: Pipeline, warehouse: Warehouse) -> Fit:
    return within_record(pipeline.target, Fitter(pipeline.target, warehouse.name))


class _Closing:
    """Writes the end of the attempt to the ledger before anything is raised."""

    def __init__(self, ledger: Ledger, cycle: Cycle, memory: WarehouseMemory) -> None:
        self._ledger = ledger
        self._cycle = cycle
        self._memory = memory
        self._told = False
        self.line: dict[str, Any] = {}

    @contextmanager
    def unless_told(self) -> Iterator[None]:
        """What ends the attempt before its batch began, or is raised by its equipment, ends the line too."""
        try:
            yield
        except BaseException as error:
            if not self._told:
                self._fail(BatchStats(), error)
            raise

    def __call__(self, stats: BatchStats, error: BaseException | None) -> None:
        self._told = True
        if error is not None:
            self._fail(stats, error)
            return
        try:
            self.line = self._ledger.finish(self._cycle, stats, SUCCEEDED, overtaken=self._memory.overtaken)
        except LedgerMismatch as mismatch:
            # It rolled back what it wrote: without this the line would say `running` for ever.
            self._fail(stats, mismatch)
            raise

    def _fail(self, stats: BatchStats, error: BaseException) -> None:
        try:
            self._ledger.finish(self._cycle, stats, FAILED, _safe_text(error))
        except HeadraceError as second:
            # The first error is the one to know.
            log.warning("the end of cycle %d did not reach the ledger: %s", self._cycle.cycle_id, second)


def _safe_text(error: BaseException) -> str:
    """The messages of the house carry no values; of others only the class is known to be safe."""
    return f"{type(error).__name__}: {error}" if isinstance(error, HeadraceError) else type(error).__name__


def _dry_run(
    pipeline: Pipeline,
    batch: Batch,
    warehouse: Warehouse,
    settings: EngineSettings,
    *,
    stop: threading.Event,
    skip_unchanged: bool,
    on_progress: Callable[[Progress], None] | None,
) -> dict[str, Any]:
    ending = threading.Event()
    with _equipment(pipeline, stop, ending):
        stats = run_batch(
            batch,
            _source(pipeline, stop),
            pipeline.transform(),
            DrySink(),
            settings,
            stop=stop,
            ending=ending,
            fit=_fit(pipeline, warehouse),
            memory=_memory_before_any_cycle(pipeline, warehouse, stop),
            content_hash=pipeline.content_hash,
            skip_unchanged=skip_unchanged,
            on_progress=on_progress,
        )
    counters = stats.counters.to_json() | {"records_settled": stats.counters.records_settled}
    planned = {
        "batch_index": batch.index,
        "records_planned": batch.planned_records,
        "fingerprint": pipeline.fingerprint,
    }
    return {"cycle_id": None, "state": DRY_RUN, **planned, **counters, "stats": stats.to_json()}


def _memory_before_any_cycle(pipeline: Pipeline, warehouse: Warehouse, stop: threading.Event) -> WarehouseMemory | None:
    """None where nothing was ever loaded: a dry run creates no tables."""

    def look(connection: sa.Connection) -> bool:
        return bool(find_tables(warehouse, connection, [TableName.of(records)]))

    if not warehouse.transact("look at the tables", look, write=False, stop=stop):
        return None
    return WarehouseMemory(warehouse, pipeline.name, pipeline.target.name, NO_CYCLE, stop)
