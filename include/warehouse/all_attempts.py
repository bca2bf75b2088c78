"""The counts and measures of a cycle over all its attempts."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate
from typing import Any

from include.engine.bugs import bugs_among
from include.engine.model import Receipt
from include.engine.names import MAX_WARNINGS, add_names
from include.engine.stats import BatchStats, RunStats
from include.warehouse.attempt import Cycle
from include.warehouse.settling import DUPLICATE_KEY


def settled_before(cycle: Cycle, stats: BatchStats, overtaken: int) -> Receipt:
    """What earlier attempts have settled, mended by what this one found of it: it has read the source to its end.

    It drops a record for its key although no earlier attempt had counted it, where the one before ended between two
    records of one key. It settles a record again although one had counted it, where its key is among the `overtaken`:
    then only the last settlement counts. A record that is counted and not found otherwise has left the source.
    """
    surplus = stats.counters.records_resumed - cycle.settled.settled
    if surplus > 0:
        return cycle.settled + Receipt(skipped=surplus, skipped_by_reason={DUPLICATE_KEY: surplus})
    return _without(cycle.settled, min(-surplus, overtaken))


def _without(settled: Receipt, forgotten: int) -> Receipt:
    """Less so many records, in proportion: which ones they were is what is forgotten."""
    if not forgotten:
        return settled
    rejected, skipped = dict(settled.rejected_by_code), dict(settled.skipped_by_reason)
    counts = [settled.written, *rejected.values(), *skipped.values()]
    kept: list[int] = []
    for reached in accumulate(counts):
        kept.append(reached * (settled.settled - forgotten) // settled.settled - sum(kept))
    written, of_codes, of_reasons = kept[0], kept[1 : 1 + len(rejected)], kept[1 + len(rejected) :]

    def share(rows: int) -> int:
        return rows * written // settled.written if settled.written else 0

    return Receipt(
        written=written,
        rejected=sum(of_codes),
        skipped=sum(of_reasons),
        rows_written=share(settled.rows_written),
        rejected_by_code={code: count for code, count in zip(rejected, of_codes, strict=True) if count},
        skipped_by_reason={reason: count for reason, count in zip(skipped, of_reasons, strict=True) if count},
        warnings={name: share(count) for name, count in settled.warnings.items() if share(count)},
        marks=settled.marks,
    )


def all_attempts(cycle: Cycle, stats: BatchStats, before: Receipt) -> dict[str, Any]:
    """Counts and wall time as committed, those of killed attempts too; the rest of attempts that lived to report.

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
        wall_s=cycle.wall_s + own.wall_s,
    )
    merged.rejected_by_code = codes
    merged.skipped_by_reason = add_names(before.skipped_by_reason, stats.skipped_by_reason)
    merged.warnings = add_names(before.warnings, stats.warnings, MAX_WARNINGS)
    merged.marks = before.marks | stats.marks
    return this | {name: value for name, value in merged.to_json().items() if name in this}
