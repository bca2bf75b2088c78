"""Judges a run once, from its plan and the ledger's lines."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from include.engine.errors import FatalError
from include.engine.model import Batch
from include.engine.stats import Counters, RunStats
from include.warehouse.commit_line import marks_from
from include.warehouse.connection import Warehouse
from include.warehouse.ledger import FAILED, SUCCEEDED, Ledger
from include.warehouse.load import DRY_RUN
from include.warehouse.quality import never_set, quality_lines
from include.warehouse.runs import Run, finish_run
from include.warehouse.timings import timing_lines, timings

log = logging.getLogger(__name__)

RATE_FROM_RECORDS = 100
"""`max_reject_rate` is looked at from this many settled records on, as within a batch."""

NAMED = 20
"""Batches that a message names at most."""


class Limits(Protocol):
    """How many rejects a run bears."""

    @property
    def max_rejects(self) -> int | None:
        """None is no bound."""
        ...

    @property
    def max_reject_rate(self) -> float | None:
        """Share of the settled records; None is no bound."""
        ...


@dataclass(frozen=True)
class RunSummary:
    """The verdict on a run."""

    batches_planned: int
    batches_succeeded: int
    missing: tuple[int, ...]
    """Indexes of planned batches without a line in the ledger."""
    failed: tuple[int, ...]
    """Indexes of planned batches whose line is not that of a success."""
    records_planned: int
    stats: RunStats
    empty_in_every_record: tuple[str, ...] = ()
    """Names of the pipeline's marks that no written record has; none where nothing was written."""
    faults: tuple[str, ...] = field(default=())
    """Why the run fails; empty when it succeeds."""

    @property
    def succeeded(self) -> bool:
        """Whether the run is good."""
        return not self.faults

    def to_json(self) -> dict[str, Any]:
        """Plain, for XCom, the ledger and the asset event."""
        return {
            "state": SUCCEEDED if self.succeeded else FAILED,
            "batches_planned": self.batches_planned,
            "batches_succeeded": self.batches_succeeded,
            "missing": list(self.missing),
            "failed": list(self.failed),
            "records_planned": self.records_planned,
            "faults": list(self.faults),
            "warnings": self.stats.warnings,
            "empty_in_every_record": list(self.empty_in_every_record),
            **self.stats.counters.to_json(),
            "records_settled": self.stats.counters.records_settled,
            "timings": timings(self.stats),
            "stats": self.stats.to_json(),
        }

    def table(self) -> str:
        """For a log: one line a counter."""
        counters = self.stats.counters
        lines = [("batches", f"{self.batches_succeeded} of {self.batches_planned}")]
        lines.append(("records planned", f"{self.records_planned:,}"))
        lines += [(name.replace("_", " "), f"{value:,}") for name, value in counters.to_json().items() if _whole(value)]
        lines.append(("records/s of one batch", f"{self.stats.records_per_s():,.0f}"))
        if counters.records_settled:
            lines.append(("bottleneck", self.stats.bottleneck))
        lines += timing_lines(self.stats)
        lines += [(f"rejected {code}", f"{number:,}") for code, number in sorted(self.stats.rejected_by_code.items())]
        lines += [(f"skipped {why}", f"{number:,}") for why, number in sorted(self.stats.skipped_by_reason.items())]
        lines += quality_lines(self.stats.warnings, self.empty_in_every_record)
        lines += [("fault", fault) for fault in self.faults]
        width = max(len(name) for name, _ in lines)
        return "\n".join(f"{name:<{width}}  {value}" for name, value in lines)


def judge(
    planned: Sequence[Batch],
    lines: Iterable[Mapping[str, Any]],
    limits: Limits,
    *,
    mark_names: Sequence[str] = (),
    fingerprint: str | None = None,
) -> RunSummary:
    """The rule: every planned batch has a line, each succeeded, and rejects keep within the limits.

    Compares by the index that each batch carries, never by position: a mapped XCom shifts when a task
    pushed nothing. Lines of batches that are not planned, or were planned otherwise, count for nothing.
    `mark_names` are the pipeline's; where a line has another `fingerprint`, its marks mean something else.
    """
    by_index = {line["batch_index"]: line for line in lines}
    by_index = {batch.index: by_index[batch.index] for batch in planned if _is_of(batch, by_index.get(batch.index))}
    found = list(by_index.values())
    missing = tuple(sorted(batch.index for batch in planned if batch.index not in by_index))
    failed = tuple(sorted(line["batch_index"] for line in found if line["state"] not in (SUCCEEDED, DRY_RUN)))
    stats = sum((stats_of(line) for line in found), RunStats())
    faults = [*_batch_faults("missing", missing), *_batch_faults("failed", failed)]
    faults += _reject_faults(stats.counters, limits)
    return RunSummary(
        batches_planned=len(planned),
        batches_succeeded=len(found) - len(failed),
        missing=missing,
        failed=failed,
        records_planned=sum(batch.planned_records for batch in planned),
        stats=stats,
        empty_in_every_record=never_set(stats, mark_names) if _all_of(found, fingerprint) else (),
        faults=tuple(faults),
    )


def judge_run(
    warehouse: Warehouse,
    run: Run,
    planned: Sequence[Batch],
    limits: Limits,
    *,
    task_id: str | None = None,
    reported: Sequence[Mapping[str, Any]] | None = None,
    mark_names: Sequence[str] = (),
    fingerprint: str | None = None,
) -> RunSummary:
    """Judge a run by the ledger; the verdict goes to its line and to the log. Raises `FatalError` naming every fault.

    `reported` are what the batches returned, where that is known. Those of dry runs stand for the lines that they
    do not leave. Of others the cycle is looked at: a batch that was to be done again and failed before its claim
    has still the line of its former success. `mark_names` and `fingerprint` are the pipeline's, as `judge` takes them.
    """
    lines: Sequence[Mapping[str, Any]] = [line for line in reported or () if line.get("state") == DRY_RUN]
    if not lines:
        lines = Ledger(warehouse).lines_of_run(run.dag_id, run.run_id, task_id)
        if reported is not None:
            cycles = {line.get("cycle_id") for line in reported}
            lines = [line if line["cycle_id"] in cycles else {**line, "state": FAILED} for line in lines]
    summary = judge(planned, lines, limits, mark_names=mark_names, fingerprint=fingerprint)
    finish_run(warehouse, run, SUCCEEDED if summary.succeeded else FAILED, summary.to_json())
    log.info("%s", summary.table())
    if not summary.succeeded:
        raise FatalError(f"run {run.run_id}: " + "; ".join(summary.faults))
    return summary


def _is_of(batch: Batch, line: Mapping[str, Any] | None) -> bool:
    return line is not None and line.get("batch") in (None, batch.to_json())


def _all_of(lines: Sequence[Mapping[str, Any]], fingerprint: str | None) -> bool:
    return all(line.get("fingerprint", fingerprint) == fingerprint for line in lines)


def stats_of(line: Mapping[str, Any]) -> RunStats:
    """A line's measures. Its counters are those of the commits, also where an attempt died without a report."""
    stats = RunStats.from_json(line["stats"] or {})
    stats.batches = 1
    stats.counters = Counters.from_json({**stats.counters.to_json(), **line})
    stats.rejected_by_code = line.get("rejected_by_code") or stats.rejected_by_code
    stats.skipped_by_reason = line.get("skipped_by_reason") or stats.skipped_by_reason
    stats.warnings = line.get("warnings") or stats.warnings
    stats.marks = marks_from(line.get("marks")) or stats.marks
    return stats


def _batch_faults(what: str, indexes: Sequence[int]) -> list[str]:
    if not indexes:
        return []
    named = ", ".join(map(str, indexes[:NAMED])) + (", …" if len(indexes) > NAMED else "")
    return [f"{len(indexes)} batches {what}: {named}"]


def _reject_faults(counters: Counters, limits: Limits) -> list[str]:
    rejected, settled = counters.records_rejected, counters.records_settled
    faults = []
    if limits.max_rejects is not None and rejected > limits.max_rejects:
        faults.append(f"{rejected} of {settled} records were rejected, max_rejects is {limits.max_rejects}")
    rate = limits.max_reject_rate
    if rate is not None and settled >= RATE_FROM_RECORDS and rejected > rate * settled:
        faults.append(f"{rejected} of {settled} records were rejected, max_reject_rate is {rate:g}")
    return faults


def _whole(value: object) -> bool:
    return isinstance(value, int)
