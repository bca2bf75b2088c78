"""The statistics of a run or a batch as the ledger has them at this moment, while it runs or afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from include.engine.stats import RunStats
from include.warehouse.clock import utc_now
from include.warehouse.connection import Warehouse
from include.warehouse.ledger import Ledger
from include.warehouse.runs import Run
from include.warehouse.summary import stats_of


def run_statistics(warehouse: Warehouse, run: Run) -> dict[str, Any]:
    """Those of all batches. A dry run leaves nothing in the ledger: all is 0."""
    lines = Ledger(warehouse).lines_of_run(run.dag_id, run.run_id)
    return statistics_of([line for line in lines if line["target"] == run.target])


def statistics_of(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """As `PdfStatistics.to_json` has them: counts as of the last commits, the slowest five of the batches that ended.

    By the clock, from the first batch's start to the last one's end.
    """
    stats = sum((stats_of(line) for line in lines), RunStats())
    counters, seconds = stats.counters, _seconds(lines)
    pages, settled = counters.rows_written - counters.records_written, counters.records_settled
    return {
        "total": settled,
        "succeeded": counters.records_written,
        "failed": counters.records_rejected,
        "skipped": counters.records_skipped,
        "pages": pages,
        "ocr_pages": stats.warnings.get("ocr pages", 0),
        "needs_ocr_pages": stats.warnings.get("needs_ocr pages", 0),
        "seconds": round(seconds, 3),
        "documents_per_hour": round(settled / seconds * 3600, 1) if seconds else 0.0,
        "pages_per_second": round(pages / seconds, 1) if seconds else 0.0,
        "mean_seconds": round(counters.transform_s / settled, 4) if settled else 0.0,
        "slowest": [[str(timing.key), round(timing.seconds, 4)] for timing in stats.slowest],
    }


def _seconds(lines: Sequence[Mapping[str, Any]]) -> float:
    if not lines:
        return 0.0
    now, read = utc_now(), datetime.fromisoformat
    ended = max(read(line["ended_at"]) if line["ended_at"] else now for line in lines)
    return (ended - min(read(line["started_at"]) for line in lines)).total_seconds()
