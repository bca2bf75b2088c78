"""The runs of the demo as the warehouse's own ledger tells them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import sqlalchemy as sa
from demo_output import say

from include.engine.stats import RunStats
from include.warehouse.tables import rejects, runs, target_tables


def report(warehouse: Path, dag_id: str, run_id: str) -> None:
    """What the run read, wrote and rejected, how fast, and what lies in its tables now."""
    engine = sa.create_engine(f"sqlite:///{warehouse}")
    with engine.connect() as connection:
        mine = sa.and_(runs.c.dag_id == dag_id, runs.c.run_id == run_id)
        summary = json.loads(connection.scalars(sa.select(runs.c.summary).where(mine)).one())
        names = connection.scalars(
            sa.select(target_tables.c.table_name)
            .where(target_tables.c.pipeline == dag_id)
            .order_by(target_tables.c.table_name)
        ).all()
        rows = {name: connection.scalar(sa.select(sa.func.count()).select_from(sa.table(name))) for name in names}
        open_rejects = connection.execute(
            sa.select(rejects.c.code, sa.func.count())
            .where(rejects.c.pipeline == dag_id, rejects.c.resolved_at.is_(None))
            .group_by(rejects.c.code)
            .order_by(rejects.c.code)
        ).all()
    stats = RunStats.from_json(summary["stats"])
    _show_counters(stats)
    _show_table("Warnings", sorted(stats.warnings.items()))
    _show_table("Rows in the warehouse", rows.items())
    _show_table("Open rejects, by code", [(code, count) for code, count in open_rejects])
    say(f"Run {run_id}")


def _show_counters(run: RunStats) -> None:
    counters = run.counters
    latency = run.transform_latency
    counts = {
        "batches": run.batches,
        "read": counters.records_read,
        "written": counters.records_written,
        "rejected": counters.records_rejected,
        "skipped": counters.records_skipped,
        "resumed": counters.records_resumed,
        "rows written": counters.rows_written,
    }
    _show_table("Records of the run", counts.items())
    say(f"  {'records a second':<24}{run.records_per_s():>10,.0f}")
    for share in (0.5, 0.95):
        say(f"  {f'ms a record, p{share * 100:.0f}':<24}{latency.quantile(share) * 1000:>10.2f}")


def _show_table(title: str, lines: Iterable[tuple[str, int]]) -> None:
    shown = list(lines)
    if not shown:
        return
    say()
    say(title)
    for name, count in shown:
        say(f"  {name:<24}{count:>10,}")
