"""The runs of the ledger: opened by the plan, judged by summarize."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from include.engine.model import Batch
from include.warehouse.clock import utc_now
from include.warehouse.connection import Warehouse
from include.warehouse.ledger import RUNNING, SUCCEEDED, supersede_beyond
from include.warehouse.tables import runs
from include.warehouse.window import Window

_own = runs.alias("own")


WHOLE_AT = "source_read_whole_at"
"""In the settings of a run's line, beside those that were given: the moment whose state of the source the plan reads,
where it leaves no part of that out; else null."""


@dataclass(frozen=True, slots=True)
class Run:
    """Names a run of a pipeline."""

    pipeline: str
    target: str
    dag_id: str
    run_id: str


def start_run(
    warehouse: Warehouse,
    run: Run,
    planned: Sequence[Batch],
    *,
    settings: Mapping[str, Any] | None = None,
    window: Window | None = None,
    watermark: str | None = None,
) -> None:
    """Open a run, or open it again after a clear; call it when the plan stands, before the first batch.

    Lines of an earlier, longer plan of the same run are superseded. `watermark` is what the run will
    have read up to: `last_watermark` gives it out once the run has succeeded. `settings` are JSON
    values, for people to read.
    """
    values: dict[str, Any] = {
        "target": run.target,
        "state": RUNNING,
        "window_start": _naive(window.start) if window else None,
        "window_end": _naive(window.end) if window else None,
        "watermark": watermark,
        "batches_planned": len(planned),
        "records_planned": sum(batch.planned_records for batch in planned),
        "settings": json.dumps(settings) if settings is not None else None,
        "summary": None,
        "ended_at": None,
    }

    def work(connection: sa.Connection) -> None:
        found = sa.select(runs.c.run_no).with_hint(runs, "WITH (UPDLOCK, HOLDLOCK)", "mssql").where(_is(run))
        if connection.execute(found).first() is None:
            names = {"pipeline": run.pipeline, "dag_id": run.dag_id, "run_id": run.run_id, "started_at": utc_now()}
            connection.execute(sa.insert(runs).values(**names, **values))
        else:
            connection.execute(sa.update(runs).where(_is(run)).values(**values))
        supersede_beyond(connection, (run.pipeline, run.target), run.dag_id, run.run_id, len(planned))

    warehouse.transact("open the run", work)


def finish_run(warehouse: Warehouse, run: Run, state: str, summary: dict[str, Any]) -> None:
    """Close a run with its verdict."""
    statement = sa.update(runs).where(_is(run)).values(state=state, summary=json.dumps(summary), ended_at=utc_now())
    warehouse.transact("close the run", lambda connection: connection.execute(statement).rowcount)


def last_watermark(warehouse: Warehouse, pipeline: str, target: str, *, before: Run | None = None) -> str | None:
    """Of the last run that succeeded and has one; None before the first.

    With `before`, of the runs that were opened before that one: done again, it must not begin at its own end.
    """
    query = (
        sa.select(runs.c.watermark)
        .where(
            runs.c.pipeline == pipeline,
            runs.c.target == target,
            runs.c.state == SUCCEEDED,
            runs.c.watermark.is_not(None),
        )
        .order_by(runs.c.ended_at.desc(), runs.c.run_no.desc())
        .limit(1)
    )
    if before is not None:
        own = sa.select(_own.c.run_no).where(_is(before, _own)).scalar_subquery()
        query = query.where(own.is_(None) | (runs.c.run_no < own))
    return warehouse.transact("read the watermark", lambda connection: connection.execute(query).scalar(), write=False)


def first_success(warehouse: Warehouse, pipeline: str, target: str) -> datetime | None:
    """When the first run that succeeded came to its end, aware, UTC; None before there is one. Dry runs are none."""
    query = sa.select(sa.func.min(runs.c.ended_at)).where(
        runs.c.pipeline == pipeline, runs.c.target == target, runs.c.state == SUCCEEDED, ~was_set("dry_run")
    )
    ended = warehouse.transact("read the first run", lambda connection: connection.execute(query).scalar(), write=False)
    return None if ended is None else ended.replace(tzinfo=UTC)


def run_line(warehouse: Warehouse, run: Run) -> dict[str, Any] | None:
    """The run's line, `settings` and `summary` parsed; None when it was never opened."""

    def work(connection: sa.Connection) -> dict[str, Any] | None:
        row = connection.execute(sa.select(runs).where(_is(run))).mappings().first()
        if row is None:
            return None
        line = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
        return line | {name: json.loads(line[name]) if line[name] else None for name in ("settings", "summary")}

    return warehouse.transact("read the run", work, write=False)


def read_whole_at(warehouse: Warehouse, run: Run) -> datetime | None:
    """The moment (naive, UTC) whose whole source the run reads, as its plan said; None for a run over a part."""
    line = run_line(warehouse, run) or {}
    moment = (line.get("settings") or {}).get(WHOLE_AT)
    return None if moment is None else datetime.fromisoformat(moment)


def was_set(switch: str) -> sa.ColumnElement[bool]:
    """Whether a run's settings say yes to this. Within a JSON text a quote stands with a backslash before it."""
    return sa.func.coalesce(runs.c.settings, "").contains(f'"{switch}": true', autoescape=True)


def _is(run: Run, lines: sa.FromClause = runs) -> sa.ColumnElement[bool]:
    return (lines.c.pipeline == run.pipeline) & (lines.c.dag_id == run.dag_id) & (lines.c.run_id == run.run_id)


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
