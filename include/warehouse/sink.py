"""The commit: target rows, records, rejects and the ledger's counters in one transaction."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence

import sqlalchemy as sa

from include.engine.errors import BatchStopped, FatalError
from include.engine.model import InsertBatch, Outcome, Receipt, noticed
from include.warehouse.attempt import Cycle
from include.warehouse.clock import utc_now
from include.warehouse.commit_line import count, fence
from include.warehouse.connection import Warehouse
from include.warehouse.delete_path import DeletePath
from include.warehouse.faults import ConstraintViolated
from include.warehouse.keys import stored_key
from include.warehouse.loaders.choose import loader_for
from include.warehouse.records import read_lines, write_lines
from include.warehouse.rejects import resolve_rejects, write_rejects
from include.warehouse.settling import Verdict, judge
from include.warehouse.target import Target
from include.warehouse.target_rows import TargetRows


class WarehouseSink:
    """Commits the insert batches of one attempt. Used by one thread, the writer; holds one connection.

    `retired` are the tables that earlier contracts filled: the rows of each key that is replaced are
    deleted there too.
    """

    def __init__(
        self,
        warehouse: Warehouse,
        cycle: Cycle,
        target: Target,
        retired: Sequence[DeletePath] = (),
        stop: threading.Event | None = None,
    ) -> None:
        self._warehouse = warehouse
        self._cycle = cycle
        self._stop = stop
        self._loader = loader_for(warehouse)
        self._rows = TargetRows(warehouse, self._loader, target, retired, self._obey)
        self._connection: sa.Connection | None = None
        self._settled, self._ordinal = cycle.settled, 0

    def commit(self, insert_batch: InsertBatch) -> Receipt:
        """As `Sink.commit`; raises `BatchStopped` when told to stop while it waits for other writers."""
        if self._connection is None:
            self._connection = self._warehouse.connect()
        try:
            receipt = self._commit(self._connection, insert_batch, narrow=False)
        except ConstraintViolated:
            # Some row was refused: the same again, with savepoints, to find the records that it belongs to.
            if self._connection.invalidated:
                # The refusal had ended the transaction, so that there was nothing left to roll back.
                self.reset()
                self._connection = self._warehouse.connect()
            receipt = self._narrow(self._connection, insert_batch)
        if insert_batch.ordinal > self._ordinal:
            self._settled, self._ordinal = self._settled + receipt, insert_batch.ordinal
        return receipt

    def _narrow(self, connection: sa.Connection, insert_batch: InsertBatch) -> Receipt:
        try:
            return self._commit(connection, insert_batch, narrow=True)
        except ConstraintViolated as refused:
            raise FatalError(
                f"insert batch {insert_batch.ordinal}: {refused.fault.label} in the house tables"
            ) from None

    def _commit(self, connection: sa.Connection, insert_batch: InsertBatch, *, narrow: bool) -> Receipt:
        cycle, loader = self._cycle, self._loader
        owner = (cycle.pipeline, cycle.target)
        with self._warehouse.transaction(connection, f"insert batch {insert_batch.ordinal}", stop=self._stop):
            replayed = fence(connection, cycle, insert_batch.ordinal)
            if replayed is not None:
                return replayed
            loader.lock_target(connection, *owner)
            lines = read_lines(loader, connection, owner, [stored_key(s.key) for s in insert_batch.settlements])
            verdicts = judge(insert_batch.settlements, lines, cycle.cycle_id)
            self._obey()
            replacing = [verdict for verdict in verdicts if verdict.replaces]
            self._rows.replace(connection, replacing, narrow=narrow)
            now = utc_now()
            write_lines(loader, connection, verdicts, lines, cycle=cycle, now=now)
            write_rejects(loader, connection, verdicts, cycle, now)
            # A key without a line was never rejected.
            resolve_rejects(loader, connection, [v.key for v in verdicts if v.is_good and v.key in lines], cycle, now)
            receipt = _receipt(verdicts)
            count(connection, cycle, insert_batch, receipt, self._settled)
            self._obey()
            return receipt

    def _obey(self) -> None:
        """Between statements, each of which may take a query timeout."""
        if self._stop is not None and self._stop.is_set():
            raise BatchStopped("told to stop amid an insert batch, which is rolled back")

    def reset(self) -> None:
        """Drop the connection, whatever state it is in."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            connection.invalidate()
            connection.close()
        except sa.exc.SQLAlchemyError:
            # It was broken: that is why it goes.
            return

    def close(self) -> None:
        """Release the connection."""
        self.reset()


class DrySink:
    """Counts what would be written and writes nothing. Knows nothing of constraints, nor of keys that come twice."""

    def commit(self, insert_batch: InsertBatch) -> Receipt:
        """Always as asked."""
        return Receipt.as_asked(insert_batch.settlements)

    def reset(self) -> None:
        """There is no connection."""

    def close(self) -> None:
        """There is no connection."""


def _receipt(verdicts: Sequence[Verdict]) -> Receipt:
    outcomes = [verdict.outcome for verdict in verdicts]
    written = [v.settlement for v in verdicts if v.replaces and v.outcome is Outcome.WRITTEN]
    warnings, marks = noticed(settlement.rows for settlement in written)
    receipt = Receipt(
        written=outcomes.count(Outcome.WRITTEN),
        rejected=outcomes.count(Outcome.REJECTED),
        skipped=outcomes.count(Outcome.SKIPPED),
        rows_written=sum(settlement.row_count for settlement in written),
        rejected_by_code=Counter(v.reason or "" for v in verdicts if v.outcome is Outcome.REJECTED),
        skipped_by_reason=Counter(v.reason or "" for v in verdicts if v.outcome is Outcome.SKIPPED),
        warnings=warnings,
        marks=marks,
    )
    if receipt.settled != len(verdicts):
        raise FatalError(f"{len(verdicts)} verdicts settled {receipt.settled} records")
    return receipt
