"""The writer's bookkeeping of what was committed."""

from __future__ import annotations

from collections.abc import Sequence

from include.engine.bugs import bugs_among
from include.engine.errors import LedgerMismatch
from include.engine.histogram import Histogram
from include.engine.model import InsertBatch, KeyTiming, Receipt, Settlement
from include.engine.names import MAX_WARNINGS, add_names
from include.engine.stats import SLOWEST, Counters, Measures, slowest_of


class Tally:
    """Adds up committed insert batches. One thread adds; any thread may read `counters`."""

    def __init__(self) -> None:
        self.counters = Counters()
        """Of the commits so far; replaced as a whole at each."""
        self.commits = 0
        self.commit_retries = 0
        self.transform_latency = Histogram()
        self.insert_latency = Histogram()
        self.rejected_by_code: dict[str, int] = {}
        self.skipped_by_reason: dict[str, int] = {}
        self.warnings: dict[str, int] = {}
        self.marks = 0
        self.slowest: list[KeyTiming] = []
        self._slow_s = 0.0

    def add(self, insert_batch: InsertBatch, receipt: Receipt, insert_s: float) -> None:
        """Count one commit as its receipt says; raises `LedgerMismatch` when that settled another number of records."""
        settlements = insert_batch.settlements
        if receipt.settled != len(settlements):
            raise LedgerMismatch(
                f"insert batch {insert_batch.ordinal}: {len(settlements)} records went in, "
                f"the receipt settles {receipt.settled}"
            )
        transform_s = self._measure(settlements)
        self.rejected_by_code = add_names(self.rejected_by_code, receipt.rejected_by_code)
        self.skipped_by_reason = add_names(self.skipped_by_reason, receipt.skipped_by_reason)
        if receipt.warnings:
            self.warnings = add_names(self.warnings, receipt.warnings, MAX_WARNINGS)
        self.marks |= receipt.marks
        self.commits += 1
        self.insert_latency.add(insert_s)
        self.counters = self.counters + Counters(
            records_written=receipt.written,
            records_rejected=receipt.rejected,
            records_skipped=receipt.skipped,
            records_bugs=bugs_among(receipt.rejected_by_code),
            rows_written=receipt.rows_written,
            retries=insert_batch.retries,
            transform_s=transform_s,
            insert_s=insert_s,
        )

    def _measure(self, settlements: Sequence[Settlement]) -> float:
        total_s = 0.0
        add = self.transform_latency.add
        for settlement in settlements:
            seconds = settlement.transform_s
            if not seconds:  # settled without a transform
                continue
            add(seconds)
            total_s += seconds
            if seconds > self._slow_s:
                self.slowest = slowest_of([*self.slowest, KeyTiming(seconds, settlement.key)])
                self._slow_s = self.slowest[-1].seconds if len(self.slowest) == SLOWEST else 0.0
        return total_s

    def copy_to(self, measures: Measures) -> None:
        """Hand everything but `counters` over; call it when no more is added, or accept a count of the last moment."""
        measures.commits = self.commits
        measures.commit_retries = self.commit_retries
        measures.transform_latency = self.transform_latency.copy()
        measures.insert_latency = self.insert_latency.copy()
        measures.rejected_by_code = self.rejected_by_code.copy()
        measures.skipped_by_reason = self.skipped_by_reason.copy()
        measures.warnings = self.warnings.copy()
        measures.marks = self.marks
        measures.slowest = self.slowest.copy()
