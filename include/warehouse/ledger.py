"""The ledger's lines: one a cycle of a batch, claimed, counted and finished."""

from __future__ import annotations

import json
import threading
from typing import Any

import sqlalchemy as sa

from include.engine.errors import AttemptSuperseded, LedgerMismatch, SettingsError
from include.engine.model import Batch, Receipt
from include.engine.stats import BatchStats
from include.warehouse.all_attempts import all_attempts, settled_before
from include.warehouse.attempt import Attempt, Cycle
from include.warehouse.clock import utc_now
from include.warehouse.commit_line import marks_from
from include.warehouse.connection import PATIENCE_S, Warehouse
from include.warehouse.storable import storable
from include.warehouse.tables import MAX_MESSAGE, batches

__all__ = ["Attempt", "Cycle", "Ledger", "cycle_decision"]

RUNNING, SUCCEEDED, FAILED, SUPERSEDED = "running", "succeeded", "failed", "superseded"

STOPPED_PATIENCE_S = 1.0
"""How long a batch that was told to stop tries to leave its counts."""

_MENDED = ("records_written", "records_rejected", "records_skipped", "records_bugs", "rows_written")

_FINISHED_FLOATS = ("read_s", "transform_s", "insert_s", "wall_s")


def cycle_decision(line: dict[str, Any] | None, attempt: Attempt, batch_json: str, fingerprint: str) -> str:
    """`new`, `resume` or `reprocess`, from the batch's line that is not superseded.

    An attempt resumes only where max_tries (constant over retries, raised by a clear or a backfill's
    reprocess), the batch's content and the settings are those of the line; Dag, run, task and index
    are how the line was found.
    """
    if line is None:
        return "new"
    same = (
        line["max_tries"] == attempt.max_tries
        and line["batch"] == batch_json
        and line["fingerprint"] == fingerprint
        and (line["pipeline"], line["target"]) == (attempt.pipeline, attempt.target)
    )
    return "resume" if same else "reprocess"


class Ledger:
    """Reads and writes `headrace_batches`. Safe to share between threads: each call has its own connection."""

    def __init__(self, warehouse: Warehouse, stop: threading.Event | None = None) -> None:
        self._warehouse = warehouse
        self._stop = stop

    def claim(self, attempt: Attempt, batch: Batch, fingerprint: str) -> Cycle:
        """Make the attempt the owner of its batch, in a new cycle or in the one it resumes.

        From now on no earlier owner commits anything. Claiming again with the same owner is harmless.
        Raises `AttemptSuperseded` for an attempt that a later one has overtaken before it came here.
        """
        if batch.index != attempt.batch_index:
            raise SettingsError(f"batch {batch.index} came to map index {attempt.batch_index}")
        batch_json = json.dumps(batch.to_json(), sort_keys=True)

        def work(connection: sa.Connection) -> Cycle:
            line = _current_line(connection, attempt)
            _refuse_overtaken(line, attempt)
            decision = cycle_decision(line, attempt, batch_json, fingerprint)
            if line is not None and decision == "resume":
                return _resume(connection, line, attempt)
            if line is not None:
                _supersede(connection, batches.c.cycle_id == line["cycle_id"])
            cycle_id = _new_line(connection, attempt, batch, batch_json, fingerprint)
            return Cycle(cycle_id, attempt.pipeline, attempt.target, attempt.run_id, attempt.owner, resumed=False)

        return self._warehouse.transact("claim", work, stop=self._stop)

    def finish(
        self, cycle: Cycle, stats: BatchStats, state: str, error: str | None = None, *, overtaken: int = 0
    ) -> dict[str, Any]:
        """Close the attempt; its measures add to those of earlier attempts. Returns the line.

        `overtaken` is how many keys the reader met that the cycle may have settled before other cycles did.

        Raises `AttemptSuperseded` when another attempt has the batch by now, and `LedgerMismatch` when
        a batch that is said to have succeeded has not settled all that it read. The record counters are
        those that commits have kept: only what commits do not know is taken from `stats`.
        """
        before = settled_before(cycle, stats, overtaken) if state == SUCCEEDED else cycle.settled
        measures = all_attempts(cycle, stats, before)
        counters = measures["counters"]
        values: dict[str, Any] = {name: counters[name] for name in _FINISHED_FLOATS}
        values |= {
            "state": state,
            "records_read": counters["records_read"],
            "records_resumed": counters["records_resumed"],
            "stats": json.dumps(measures),
            "error": storable(error, MAX_MESSAGE) if error else None,
        }
        if before != cycle.settled:
            values |= {name: counters[name] for name in _MENDED}
            values |= {"records_settled": before.settled + stats.counters.records_settled}
            values |= {name: json.dumps(measures[name]) for name in ("rejected_by_code", "skipped_by_reason")}
            values |= {"warnings": json.dumps(measures["warnings"]) if measures["warnings"] else None}

        def work(connection: sa.Connection) -> dict[str, Any]:
            now = utc_now()
            owned = (batches.c.cycle_id == cycle.cycle_id) & (batches.c.owner == cycle.owner)
            statement = sa.update(batches).where(owned, batches.c.state != SUPERSEDED)
            if connection.execute(statement.values(**values, updated_at=now, ended_at=now)).rowcount != 1:
                raise AttemptSuperseded(f"cycle {cycle.cycle_id} has another owner")
            line = _line(connection, cycle.cycle_id)
            if state == SUCCEEDED and line["records_read"] != line["records_settled"]:
                raise LedgerMismatch(
                    f"cycle {cycle.cycle_id}: {line['records_read']} records read, {line['records_settled']} settled"
                )
            return line

        # A batch that was told to stop still leaves its counts, unless others hold the warehouse up: the retry
        # finds what is committed in any case.
        stopping = self._stop is not None and self._stop.is_set()
        return self._warehouse.transact("finish", work, patience_s=STOPPED_PATIENCE_S if stopping else PATIENCE_S)

    def line(self, cycle_id: int) -> dict[str, Any]:
        """One line as a plain dict, `stats` parsed, times as ISO text."""
        return self._warehouse.transact("read the ledger", lambda connection: _line(connection, cycle_id), write=False)

    def lines_of_run(self, dag_id: str, run_id: str, task_id: str | None = None) -> list[dict[str, Any]]:
        """The current lines of a run by batch index; superseded ones are left out."""
        query = sa.select(batches).where(
            batches.c.dag_id == dag_id, batches.c.run_id == run_id, batches.c.state != SUPERSEDED
        )
        if task_id is not None:
            query = query.where(batches.c.task_id == task_id)
        query = query.order_by(batches.c.batch_index)

        def work(connection: sa.Connection) -> list[dict[str, Any]]:
            return [plain_line(row._mapping) for row in connection.execute(query)]  # noqa: SLF001 - SQLAlchemy's public name

        return self._warehouse.transact("read the ledger", work, write=False)

    def measured_rate(self, pipeline: str, target: str, last: int = 50) -> float | None:
        """Settled records a second of one batch, over the last succeeded ones; None before the first."""
        query = (
            sa.select(batches.c.records_settled, batches.c.wall_s)
            .where(batches.c.pipeline == pipeline, batches.c.target == target, batches.c.state == SUCCEEDED)
            .order_by(batches.c.cycle_id.desc())
            .limit(last)
        )
        rows = self._warehouse.transact("read the ledger", lambda c: c.execute(query).all(), write=False)
        seconds = sum(row.wall_s for row in rows)
        return sum(row.records_settled for row in rows) / seconds if seconds > 0 else None


def _current_line(connection: sa.Connection, attempt: Attempt) -> dict[str, Any] | None:
    query = (
        sa.select(batches)
        # Two attempts that claim at once: the second waits for the first.
        .with_hint(batches, "WITH (UPDLOCK, HOLDLOCK)", "mssql")
        .where(
            batches.c.dag_id == attempt.dag_id,
            batches.c.run_id == attempt.run_id,
            batches.c.task_id == attempt.task_id,
            batches.c.batch_index == attempt.batch_index,
            batches.c.state != SUPERSEDED,
        )
        .order_by(batches.c.cycle_id.desc())
    )
    row = connection.execute(query).mappings().first()
    return dict(row) if row is not None else None


def _refuse_overtaken(line: dict[str, Any] | None, attempt: Attempt) -> None:
    """An attempt that slept before its claim must not take the batch from the one that came after it.

    Both numbers must say so: a run that was deleted and made again counts its tries from 1, in a younger owner.
    """
    if line is not None and attempt.try_number < line["try_number"] and attempt.owner < line["owner"]:
        raise AttemptSuperseded(f"cycle {line['cycle_id']} belongs to a later attempt, try {line['try_number']}")


def _resume(connection: sa.Connection, line: dict[str, Any], attempt: Attempt) -> Cycle:
    finished = line["state"] == SUCCEEDED
    values: dict[str, Any] = {"owner": attempt.owner, "try_number": attempt.try_number, "updated_at": utc_now()}
    if not finished:
        values |= {"state": RUNNING, "ordinal": 0, "last_receipt": None, "ended_at": None, "error": None}
        # A claim that is repeated because its answer was lost is the same attempt.
        values |= {"attempts": line["attempts"] + (line["owner"] != attempt.owner)}
        values |= {"records_read": line["records_settled"]}
    connection.execute(sa.update(batches).where(batches.c.cycle_id == line["cycle_id"]).values(**values))
    return Cycle(
        cycle_id=line["cycle_id"],
        pipeline=attempt.pipeline,
        target=attempt.target,
        run_id=attempt.run_id,
        owner=attempt.owner,
        resumed=True,
        finished=finished,
        settled=Receipt(
            line["records_written"],
            line["records_rejected"],
            line["records_skipped"],
            line["rows_written"],
            json.loads(line["rejected_by_code"] or "{}"),
            json.loads(line["skipped_by_reason"] or "{}"),
            json.loads(line["warnings"] or "{}"),
            marks_from(line["marks"]),
        ),
        retries=line["retries"],
        wall_s=line["wall_s"],
        stats=json.loads(line["stats"]) if line["stats"] else None,
    )


def _new_line(connection: sa.Connection, attempt: Attempt, batch: Batch, batch_json: str, fingerprint: str) -> int:
    now = utc_now()
    statement = sa.insert(batches).values(
        pipeline=attempt.pipeline,
        target=attempt.target,
        dag_id=attempt.dag_id,
        run_id=attempt.run_id,
        task_id=attempt.task_id,
        batch_index=attempt.batch_index,
        owner=attempt.owner,
        max_tries=attempt.max_tries,
        try_number=attempt.try_number,
        attempts=1,
        batch=batch_json,
        fingerprint=fingerprint,
        state=RUNNING,
        ordinal=0,
        records_planned=batch.planned_records,
        started_at=now,
        updated_at=now,
    )
    key = connection.execute(statement).inserted_primary_key
    if key is None:
        raise AssertionError("an insert of one row has a key")
    return int(key[0])


def _supersede(connection: sa.Connection, which: sa.ColumnElement[bool]) -> None:
    connection.execute(sa.update(batches).where(which).values(state=SUPERSEDED, updated_at=utc_now()))


def supersede_beyond(
    connection: sa.Connection, owner: tuple[str, str], dag_id: str, run_id: str, batch_count: int
) -> None:
    """A plan of fewer batches than the run had before: the lines of the others no longer count.

    `owner` is the pipeline and its target: a Dag may run several.
    """
    of_run = (batches.c.dag_id == dag_id) & (batches.c.run_id == run_id)
    of_run &= (batches.c.pipeline == owner[0]) & (batches.c.target == owner[1])
    _supersede(connection, of_run & (batches.c.batch_index >= batch_count))


def _line(connection: sa.Connection, cycle_id: int) -> dict[str, Any]:
    row = connection.execute(sa.select(batches).where(batches.c.cycle_id == cycle_id)).mappings().one()
    return plain_line(row)


def plain_line(row: sa.RowMapping) -> dict[str, Any]:
    """JSON types only, for XCom."""
    line = {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()}
    for name in ("stats", "batch", "rejected_by_code", "skipped_by_reason", "warnings"):
        line[name] = json.loads(line[name]) if line[name] else None
    del line["last_receipt"]
    return line
