"""Warnings and marks of a batch: in the commit's transaction, once, of the records that were written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from include.engine.model import InsertBatch, NotedRows, Receipt
from include.engine.names import MAX_WARNINGS, OTHER
from include.engine.stats import BatchStats, Counters
from include.warehouse.commit_line import marks_from, marks_text
from include.warehouse.connection import Warehouse
from include.warehouse.ledger import FAILED, SUCCEEDED
from tests.include.warehouse.toy_people import Loading, fetch, noted, rejected, skipped, written

Load = Callable[..., Loading]
CUT, UNKNOWN = "truncated person.name", "unknown contact.kind"
HIGH = 1 << 300


def notes(loading: Loading) -> tuple[object, object]:
    line = loading.line
    return line["warnings"], line["marks"]


@pytest.mark.parametrize("marks", [0, 1, 0b1010, HIGH | 1])
def test_a_set_of_bits_comes_back_from_its_text(marks: int) -> None:
    text = marks_text(marks)
    assert marks_from(text) == marks
    assert (text is None) == (marks == 0)


def test_a_commit_without_warnings_leaves_the_line_without(warehouse: Warehouse, load: Load) -> None:
    loading = load()
    assert loading.commit(written(1), noted(written(2))) == Receipt(2, rows_written=10)
    assert notes(loading) == (None, None)
    assert fetch(warehouse, "SELECT warnings, marks FROM headrace_batches") == [(None, None)]


def test_commits_add_warnings_and_join_marks(load: Load) -> None:
    loading = load()
    receipt = loading.commit(noted(written(1), CUT, marks=1), noted(written(2), CUT, UNKNOWN, marks=HIGH), written(3))
    assert (receipt.warnings, receipt.marks) == ({CUT: 2, UNKNOWN: 1}, HIGH | 1)
    assert notes(loading) == ({CUT: 2, UNKNOWN: 1}, f"{HIGH | 1:x}")
    loading.commit(noted(written(4), UNKNOWN, marks=2))
    loading.commit(written(5))
    assert notes(loading) == ({CUT: 2, UNKNOWN: 2}, f"{HIGH | 3:x}")


def test_what_is_not_written_counts_no_warning(load: Load) -> None:
    load(run_id="run 0").commit(written(9, version="9"))
    loading = load()
    refused_key = noted(written(2**70), CUT, marks=4)
    receipt = loading.commit(
        noted(written(1, version="1"), CUT, marks=1),  # loses to the newer one
        noted(written(1, version="2"), UNKNOWN, marks=2),
        noted(written(1, version="1"), CUT, marks=8),  # a duplicate
        noted(written(9, version="1"), CUT, marks=16),  # older than the target's
        noted(written(3, line="forbidden"), CUT, marks=32),  # refused by the database
        refused_key,
        noted(rejected(5), CUT, marks=64),
        skipped(6),
    )
    assert (receipt.written, receipt.rejected, receipt.skipped) == (1, 3, 4)
    assert notes(loading) == ({UNKNOWN: 1}, "2")
    loading.commit(noted(written(1, version="2"), CUT, marks=128))
    assert notes(loading) == ({UNKNOWN: 1}, "2")


def test_a_replay_is_answered_with_the_notes_of_its_commit_alone(load: Load) -> None:
    loading = load()
    loading.commit(noted(written(1), CUT, marks=1))
    asked = [noted(written(2), UNKNOWN, marks=HIGH), rejected(3)]
    first = loading.commit(*asked)
    loading.sink.reset()
    again = loading.sink.commit(InsertBatch(2, asked, 3))
    assert again == replace(first, replayed=True)
    assert (again.warnings, again.marks) == ({UNKNOWN: 1}, HIGH)
    assert notes(loading) == ({CUT: 1, UNKNOWN: 1}, f"{HIGH | 1:x}")


def test_a_resumed_cycle_keeps_the_notes_of_an_attempt_that_died(load: Load) -> None:
    died = load()
    died.commit(noted(written(1), CUT, marks=1))
    second = load(owner="owner 2")
    assert (second.cycle.settled.warnings, second.cycle.settled.marks) == ({CUT: 1}, 1)
    second.commit(noted(written(2), CUT, UNKNOWN, marks=HIGH))
    own = BatchStats(
        counters=Counters(records_read=1, records_written=1, records_resumed=1, rows_written=5),
        warnings={CUT: 1, UNKNOWN: 1},
        marks=HIGH,
    )
    line = second.ledger.finish(second.cycle, own, SUCCEEDED)
    assert (line["warnings"], line["marks"]) == ({CUT: 2, UNKNOWN: 1}, f"{HIGH | 1:x}")
    assert (line["stats"]["warnings"], line["stats"]["marks"]) == (line["warnings"], line["marks"])


def test_an_attempt_that_reported_its_failure_is_not_counted_twice(load: Load) -> None:
    first = load()
    first.commit(noted(written(1), CUT, marks=1))
    counters = Counters(records_read=1, records_written=1, rows_written=5)
    first.ledger.finish(first.cycle, BatchStats(counters=counters, warnings={CUT: 1}, marks=1), FAILED, "gone")
    second = load(owner="owner 2")
    line = second.ledger.finish(second.cycle, BatchStats(counters=Counters(records_resumed=1)), SUCCEEDED)
    assert (line["warnings"], line["stats"]["warnings"], line["stats"]["marks"]) == ({CUT: 1}, {CUT: 1}, "1")


def test_a_cycle_that_is_done_again_begins_without_notes(load: Load) -> None:
    load().commit(noted(written(1), CUT, marks=1))
    again = load(max_tries=7)
    again.commit(noted(written(1), UNKNOWN, marks=2))
    assert notes(again) == ({UNKNOWN: 1}, "2")


def test_a_batch_keeps_a_bounded_number_of_names_and_loses_no_count(load: Load) -> None:
    loading = load()
    for key, names in ((1, range(600)), (2, range(500, 1100)), (3, range(1200))):
        settlement = written(key)
        settlement.rows = NotedRows(settlement.rows or {}, {f"truncated person.c{name}": 1 for name in names})
        loading.commit(settlement)
    warnings = loading.line["warnings"]
    assert (len(warnings), sum(warnings.values())) == (MAX_WARNINGS + 1, 2400)
    assert warnings[OTHER] == 300
