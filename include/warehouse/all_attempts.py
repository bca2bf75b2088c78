"""The counts and measures of a cycle over all its attempts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from include.engine.bugs import bugs_among
from include.engine.model import Receipt
from include.engine.names import MAX_WARNINGS, add_names
from include.engine.stats import BatchStats, RunStats
from include.warehouse.attempt import Cycle
from include.warehouse.settling import DUPLICATE_KEY


def uncounted_duplicates(cycle: Cycle, stats: BatchStats, *, succeeded: bool) -> Receipt:
    """Records that a resumed attempt dropped for their key although no earlier attempt had counted them.

    The attempt before ended between two records of one key. Known once the source was read to its end.
    """
    surplus = stats.counters.records_resumed - cycle.settled.settled if succeeded else 0
    return Receipt(skipped=surplus, skipped_by_reason={DUPLICATE_KEY: surplus}) if surplus > 0 else Receipt()


def all_attempts(cycle: Cycle, stats: BatchStats, before: Receipt) -> dict[str, Any]:
    """Counts as committed, those of killed attempts too; times and latencies of attempts that lived to report.

    `before` is what this attempt's own commits come on top of.
    """
    this = stats.to_json()
    merged = RunStats.of([BatchStats.from_json(cycle.stats), stats]) if cycle.stats else RunStats.of([stats])
    own = stats.counters
    codes = add_names(before.rejected_by_code, stats.rejected_by_code)
    merged.counters = replace(
        merged.counters,
        records_read=before.settled + own.records_read,
        records_written=before.written + own.records_written,
        records_rejected=before.rejected + own.records_rejected,
        records_skipped=before.skipped + own.records_skipped,
        records_resumed=own.records_resumed,
        records_bugs=bugs_among(before.rejected_by_code) + own.records_bugs,
        rows_written=before.rows_written + own.rows_written,
        retries=cycle.retries + own.retries,
    )
    merged.rejected_by_code = codes
    merged.skipped_by_reason = add_names(before.skipped_by_reason, stats.skipped_by_reason)
    merged.warnings = add_names(before.warnings, stats.warnings, MAX_WARNINGS)
    merged.marks = before.marks | stats.marks
    return this | {name: value for name, value in merged.to_json().items() if name in this}
