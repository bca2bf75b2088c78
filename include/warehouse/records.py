"""The lines of `records`: what is settled, and what the target holds of each key."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from include.engine.model import Key, Outcome, Prior, Row
from include.warehouse.attempt import Cycle
from include.warehouse.connection import Warehouse
from include.warehouse.encoders import wire_timestamp
from include.warehouse.keys import stored_key, version_fault
from include.warehouse.loaders.choose import loader_for
from include.warehouse.loaders.loader import Loader
from include.warehouse.settling import Line, Verdict, newer
from include.warehouse.tables import records

_COLUMNS = ("record_key", "version", "content_hash", "row_count", "cycle_id", "earlier_cycle_id")


def read_lines(
    loader: Loader, connection: sa.Connection, owner: tuple[str, str], keys: Sequence[str], *, to_write: bool = True
) -> dict[str, Line]:
    """The lines of these stored keys, by key; absent where there is none."""
    rows = loader.select(connection, records, _COLUMNS, owner, sorted(set(keys)), to_write=to_write)
    return {key: Line(*rest) for key, *rest in rows}


def record_row(verdict: Verdict, line: Line | None, cycle: Cycle, moment: str) -> Row:
    """The new line: hash and row count change only when the target's rows do; the version never goes back."""
    settlement = verdict.settlement
    if verdict.replaces:
        holds_rows = verdict.outcome is Outcome.WRITTEN
        digest = settlement.content_hash if holds_rows else None
        version, row_count = settlement.version, settlement.row_count if holds_rows else 0
    else:
        # A newer state that gave no rows (unchanged, out of scope, no answer) still outranks an older one.
        version = settlement.version if version_fault(settlement.version) is None else None
        digest, row_count = None, 0
        if line is not None:
            version = line.version if version is None or newer(line.version, version) else version
            digest, row_count = line.content_hash, line.row_count
    earlier = None
    if line is not None:
        earlier = line.earlier_cycle_id if line.cycle_id == cycle.cycle_id else line.cycle_id
    return (
        cycle.pipeline,
        cycle.target,
        verdict.key,
        version,
        digest,
        row_count,
        verdict.outcome.value,
        verdict.reason,
        cycle.cycle_id,
        earlier,
        moment,
    )


def write_lines(
    loader: Loader,
    connection: sa.Connection,
    verdicts: Sequence[Verdict],
    lines: Mapping[str, Line],
    *,
    cycle: Cycle,
    now: datetime,
) -> None:
    """One line a remembered verdict; the last wins where a key that cannot be held comes twice."""
    moment = wire_timestamp(now, connection.dialect.name)
    rows = {
        verdict.key: record_row(verdict, lines.get(verdict.key), cycle, moment)
        for verdict in verdicts
        if verdict.remembered
    }
    # Key order keeps inserts into the clustered index near each other.
    loader.upsert(connection, records, [rows[key] for key in sorted(rows)])


class WarehouseMemory:
    """Looks keys up for the reader: a connection and a short transaction a chunk. For one thread."""

    def __init__(
        self,
        warehouse: Warehouse,
        pipeline: str,
        target: str,
        cycle_id: int,
        stop: threading.Event | None = None,
    ) -> None:
        self._warehouse = warehouse
        self._stop = stop
        self._owner = (pipeline, target)
        self._cycle_id = cycle_id
        self._loader = loader_for(warehouse)
        self.overtaken = 0
        """Keys so far that the cycle may have settled: two later cycles have, and no more are remembered."""

    def prior(self, keys: Sequence[Key]) -> Mapping[Key, Prior]:
        """Raises `TransientError` once its own retries are used up, `BatchStopped` when told to stop."""
        stored = {key: stored_key(key) for key in keys}

        def work(connection: sa.Connection) -> dict[str, Line]:
            # Locks would keep other batches' new keys out that lie between these; the commit looks again.
            return read_lines(self._loader, connection, self._owner, list(stored.values()), to_write=False)

        lines = self._warehouse.transact("look up records", work, write=False, stop=self._stop)
        self.overtaken += sum([line.overtook(self._cycle_id) for line in lines.values()])
        return {
            key: Prior(line.version, line.content_hash, line.settled_in(self._cycle_id))
            for key, place in stored.items()
            if (line := lines.get(place)) is not None
        }
