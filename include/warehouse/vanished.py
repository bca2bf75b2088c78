"""Records that the source does not have any more: kept, counted or removed."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import sqlalchemy as sa

from include.engine.errors import RecordRejected
from include.engine.judge import NoAnswer
from include.engine.model import Key, Record
from include.warehouse.clock import utc_now
from include.warehouse.connection import Warehouse
from include.warehouse.ledger import SUPERSEDED
from include.warehouse.loaders.choose import loader_for
from include.warehouse.runs import Run
from include.warehouse.schema import prepare
from include.warehouse.tables import batches, records, rejects
from include.warehouse.target import Target

PAGE = 200
"""Keys a transaction."""

Vanished = Literal["keep", "count", "remove"]


def missing_record(key: Key, message: str, policy: Vanished) -> Record:
    """Of a key that was asked for by name, and that the source does not have: rejected, its rows as `policy` says."""
    fault = RecordRejected if policy == "remove" else NoAnswer
    return Record(key, None, fault=fault("source.missing", message))


def settle_vanished(
    warehouse: Warehouse,
    run: Run,
    target: Target,
    policy: Vanished,
    *,
    read_at: datetime | None = None,
    stop: threading.Event | None = None,
) -> int:
    """How many keys the target holds that the run did not settle; `remove` deletes them and their lines.

    Only for a run that read its whole source and succeeded in every batch: a key that a failed batch
    did not reach looks like a vanished one. A run whose last plan has no batches finds none: an empty source is more
    likely a broken one. What was settled since `read_at` (naive, UTC) stays: what was read may be what the source had
    at that moment, long before the first batch. `keep` does not even look, and gives 0.
    """
    if policy == "keep":
        return 0
    if policy == "count":
        query = sa.select(sa.func.count()).select_from(records).where(_unseen(run, read_at))
        return warehouse.transact("count vanished records", lambda c: c.execute(query).scalar_one(), write=False)
    loader, retired = loader_for(warehouse), prepare(warehouse, run.pipeline, target)
    paths = [*retired, *(table.delete_path for table in reversed(target.tables))]
    page = sa.select(records.c.record_key).where(_unseen(run, read_at)).order_by(records.c.record_key).limit(PAGE)

    def remove_page(connection: sa.Connection) -> int:
        # Looked up under the lock: a run that writes the key at this moment comes before or after.
        loader.lock_target(connection, run.pipeline, run.target)
        stored = connection.execute(page).scalars().all()
        if stored:
            loader.delete(connection, paths, [target.key_of(key) for key in stored])
            connection.execute(sa.delete(records).where(_owned(run), records.c.record_key.in_(stored)))
            # Without a line nobody would look for the key's reject, should it come back.
            connection.execute(_resolved(run, stored))
        return len(stored)

    total = 0
    while removed := warehouse.transact("remove vanished records", remove_page, stop=stop):
        total += removed
    return total


def _owned(run: Run) -> sa.ColumnElement[bool]:
    return (records.c.pipeline == run.pipeline) & (records.c.target == run.target)


def _resolved(run: Run, keys: Sequence[str]) -> sa.Update:
    owned = (rejects.c.pipeline == run.pipeline) & (rejects.c.target == run.target)
    still_open = owned & rejects.c.record_key.in_(keys) & rejects.c.resolved_at.is_(None)
    return sa.update(rejects).where(still_open).values(resolved_at=utc_now())


def _unseen(run: Run, read_at: datetime | None) -> sa.ColumnElement[bool]:
    """Held keys that nobody settled since the run began, an older cycle neither: it may have written after this read.

    So what only the former cycle of a batch met that was done again alone stays until the next run. Where no line of
    the run counts, as after a clear that found nothing to plan, the bounds are NULL, and no key is left behind.
    """
    counts = (
        (batches.c.pipeline == run.pipeline)
        & (batches.c.target == run.target)
        & (batches.c.dag_id == run.dag_id)
        & (batches.c.run_id == run.run_id)
        & (batches.c.state != SUPERSEDED)
    )
    first = sa.select(sa.func.min(batches.c.cycle_id)).where(counts).scalar_subquery()
    began = sa.select(sa.func.min(batches.c.started_at)).where(counts).scalar_subquery()
    earlier = records.c.earlier_cycle_id
    left_behind = (
        (records.c.cycle_id < first) & (earlier.is_(None) | (earlier < first)) & (records.c.settled_at < began)
    )
    if read_at is not None:
        left_behind &= records.c.settled_at < read_at
    return _owned(run) & (records.c.row_count > 0) & left_behind
