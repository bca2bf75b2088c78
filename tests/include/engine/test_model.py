"""What a transform notices about a record: kept with its rows, joined over those that were written."""

from __future__ import annotations

import pickle
import socket
from typing import Any

import pytest

from include.engine.model import (
    NotedRows,
    Outcome,
    Receipt,
    Record,
    Rows,
    Settlement,
    noticed,
    put_together,
    taken_apart,
)
from include.engine.names import MAX_WARNINGS, OTHER
from include.engine.wire import Wire

ROWS: dict[str, Any] = {"t": [(1, "a"), (2, None)], "u": []}
BEYOND_64_BITS = 1 << 400 | 1


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_noted_rows_are_rows_and_pickle_whole(protocol: int) -> None:
    noted = NotedRows(ROWS, {"truncated t.name": 2}, BEYOND_64_BITS)
    again = pickle.loads(pickle.dumps(noted, protocol))
    assert again == noted == ROWS
    assert (type(again), again.warnings, again.marks) == (NotedRows, {"truncated t.name": 2}, BEYOND_64_BITS)


@pytest.mark.parametrize("is_partial", [False, True])
def test_noted_rows_cross_the_border_of_a_worker_process_whole(is_partial: bool) -> None:
    noted = NotedRows(ROWS, {"unknown t.kind": 1}, BEYOND_64_BITS)
    noted.is_partial = is_partial
    ours, theirs = (Wire(end) for end in socket.socketpair())
    theirs.send(taken_apart(noted))
    again = put_together(*ours.receive(), 77)
    assert (again, again.warnings, again.marks) == (ROWS, {"unknown t.kind": 1}, BEYOND_64_BITS)
    assert (again.size, again.is_partial) == (77, is_partial)
    ours.close()
    theirs.close()


def test_rows_without_notes_come_across_with_none() -> None:
    again = put_together(*taken_apart(ROWS), 77)
    assert (again, again.warnings, again.marks, again.size, again.is_partial) == (ROWS, {}, 0, 77, False)


def test_two_records_share_no_warnings_that_nobody_gave() -> None:
    first, second = NotedRows(), NotedRows()
    first.warnings["truncated t.name"] = 1
    assert (second.warnings, second.marks) == ({}, 0)


def test_warnings_add_up_and_marks_join_and_plain_rows_say_nothing() -> None:
    parts: list[Rows | None] = [
        NotedRows(ROWS, {"truncated t.name": 2, "unknown t.kind": 1}, 0b0101),
        ROWS,
        None,
        NotedRows({}, {"truncated t.name": 1}, 0b0110),
        NotedRows(ROWS),
    ]
    assert noticed(parts) == ({"truncated t.name": 3, "unknown t.kind": 1}, 0b0111)
    assert noticed([ROWS, None]) == ({}, 0)


def test_names_beyond_the_bound_are_counted_under_one_and_none_is_lost() -> None:
    parts = [NotedRows({}, {f"truncated t.c{number}": 2}) for number in range(MAX_WARNINGS + 7)]
    one_commit, _ = noticed(parts)
    assert (len(one_commit), one_commit[OTHER]) == (MAX_WARNINGS + 1, 14)
    total = Receipt(warnings=one_commit) + Receipt(warnings={"truncated t.c3": 1, "unknown t.new": 5})
    assert (len(total.warnings), total.warnings[OTHER], total.warnings["truncated t.c3"]) == (MAX_WARNINGS + 1, 19, 3)


def test_a_receipt_notes_what_was_written_and_nothing_else() -> None:
    noted = NotedRows(ROWS, {"unparsable t.day": 1}, 1)
    settled = [Settlement(number, outcome, rows=noted) for number, outcome in enumerate(Outcome)]
    assert [one.outcome for one in settled] == [Outcome.WRITTEN, Outcome.REJECTED, Outcome.SKIPPED]
    receipt = Receipt.as_asked(settled)
    assert (receipt.warnings, receipt.marks) == ({"unparsable t.day": 1}, 1)


def test_a_batch_reports_what_its_transforms_noticed(house: Any) -> None:
    def noticing(record: Record) -> Rows:
        if record.key in (3, 4):
            raise ValueError
        return NotedRows({"t": [(record.key,)]}, {"truncated t.name": 1} if record.key in (3, 5, 6) else None, 1 << 70)

    stats = house.run(40, noticing, workers=2, insert_batch=7)
    assert (stats.counters.records_written, stats.warnings, stats.marks) == (38, {"truncated t.name": 2}, 1 << 70)
