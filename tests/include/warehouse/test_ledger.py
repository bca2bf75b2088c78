from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from include.engine.errors import AttemptSuperseded, LedgerMismatch, SettingsError
from include.engine.model import Batch, InsertBatch, KeyRange
from include.engine.stats import BatchStats, Counters
from include.warehouse.connection import Warehouse
from include.warehouse.ledger import FAILED, SUCCEEDED, Ledger, cycle_decision
from tests.include.warehouse.toy_people import Loading, attempt, batch, fetch, skipped, written

Load = Callable[..., Loading]


def stats(read: int, resumed: int = 0, wall_s: float = 2.0) -> BatchStats:
    return BatchStats(counters=Counters(records_read=read, records_resumed=resumed, wall_s=wall_s, retries=1))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "resume"),
        ({"max_tries": 3}, "reprocess"),
        ({"batch": "other"}, "reprocess"),
        ({"fingerprint": "other"}, "reprocess"),
        ({"pipeline": "other"}, "reprocess"),
        ({"target": "other"}, "reprocess"),
    ],
)
def test_an_attempt_resumes_only_what_is_wholly_the_same(changes: dict[str, Any], expected: str) -> None:
    line = {"max_tries": 2, "batch": "b", "fingerprint": "f", "pipeline": "toy", "target": "people"}
    assert cycle_decision(line | changes, attempt(), "b", "f") == expected
    assert cycle_decision(None, attempt(), "b", "f") == "new"


@pytest.mark.parametrize("change", [{"max_tries": 3}, {"run_id": "other"}, {"task_id": "other"}, {"dag_id": "other"}])
def test_another_cycle_starts_for_anything_else(load: Load, change: dict[str, Any]) -> None:
    first = load()
    first.commit(written(1))
    second = load(owner="owner 2", **change)
    assert second.cycle.cycle_id != first.cycle.cycle_id
    assert (second.cycle.resumed, second.cycle.settled.settled) == (False, 0)
    assert first.line["state"] == ("superseded" if "max_tries" in change else "running")


def test_a_changed_plan_of_the_batch_starts_another_cycle(load: Load) -> None:
    first = load()
    second = first.ledger.claim(attempt(owner="owner 2"), batch(planned=11), "print 1")
    third = first.ledger.claim(attempt(owner="owner 3"), batch(planned=11), "print 2")
    assert len({first.cycle.cycle_id, second.cycle_id, third.cycle_id}) == 3


def test_a_batch_at_another_index_than_its_own_is_refused(load: Load) -> None:
    with pytest.raises(SettingsError, match="batch 3 came to map index 0"):
        load().ledger.claim(attempt(), Batch(3, KeyRange(0, 1), 1), "print 1")


def test_finish_keeps_the_counters_of_the_commits_and_adds_the_measures_of_attempts(load: Load) -> None:
    first = load()
    first.sink.commit(InsertBatch(1, [written(1), written(2)], 2, retries=1))
    first.ledger.finish(first.cycle, stats(5), FAILED, "TransientError: gone")
    assert (first.line["state"], first.line["error"]) == ("failed", "TransientError: gone")
    second = load(owner="owner 2")
    second.sink.commit(InsertBatch(1, [written(3)], 1, retries=1))
    line = second.ledger.finish(second.cycle, stats(1, resumed=2), SUCCEEDED)
    assert [line[f"records_{name}"] for name in ("read", "settled", "written", "resumed")] == [3, 3, 3, 2]
    assert (line["state"], line["error"], line["wall_s"], line["retries"]) == ("succeeded", None, 4.0, 2)
    assert BatchStats.from_json(line["stats"]).counters.wall_s == 4.0


def test_a_success_that_has_not_settled_all_that_it_read_is_a_bug(load: Load) -> None:
    loading = load()
    loading.commit(written(1))
    with pytest.raises(LedgerMismatch, match="2 records read, 1 settled"):
        loading.ledger.finish(loading.cycle, stats(2), SUCCEEDED)
    assert loading.line["state"] == "running"


def test_an_attempt_that_was_overtaken_cannot_finish(load: Load) -> None:
    first = load()
    load(owner="owner 2")
    with pytest.raises(AttemptSuperseded):
        first.ledger.finish(first.cycle, stats(0), FAILED)


def test_a_batch_that_succeeded_is_not_read_again(load: Load) -> None:
    first = load()
    first.ledger.finish(first.cycle, stats(0), SUCCEEDED)
    assert load(owner="owner 2").cycle.finished
    assert not load(owner="owner 3", max_tries=9).cycle.finished


def test_lines_of_a_run_are_the_current_ones_in_order(warehouse: Warehouse, load: Load) -> None:
    load(batch_index=1)
    load(batch_index=0)
    load(batch_index=0, max_tries=7)
    load(run_id="another")
    lines = Ledger(warehouse).lines_of_run("toy_dag", "run 1")
    assert [(line["batch_index"], line["max_tries"]) for line in lines] == [(0, 7), (1, 2)]
    assert lines[0]["batch"]["kind"] == "key_range"
    assert Ledger(warehouse).lines_of_run("toy_dag", "run 1", "another_task") == []


def test_the_measured_rate_is_that_of_succeeded_batches(warehouse: Warehouse, load: Load) -> None:
    ledger = Ledger(warehouse)
    loading = load()
    assert ledger.measured_rate("toy", "people") is None
    loading.commit(*(written(key) for key in range(10)))
    ledger.finish(loading.cycle, stats(10, wall_s=4.0), SUCCEEDED)
    failed = load(run_id="run 2")
    ledger.finish(failed.cycle, stats(0, wall_s=100.0), FAILED)
    assert ledger.measured_rate("toy", "people") == pytest.approx(2.5)
    assert ledger.measured_rate("other", "people") is None


def test_the_ledger_refuses_counters_that_do_not_add_up(warehouse: Warehouse, load: Load) -> None:
    load()
    with pytest.raises(Exception, match=r"CONSTRAINT_CHECK|547"):
        fetch_write(warehouse, "UPDATE headrace_batches SET records_settled = 1")


def fetch_write(warehouse: Warehouse, statement: str) -> None:
    warehouse.transact("test", lambda connection: connection.exec_driver_sql(statement).rowcount)
    assert fetch(warehouse, "SELECT 1")


def test_retries_of_an_attempt_that_died_without_a_word_still_count(load: Load) -> None:
    died = load()
    died.sink.commit(InsertBatch(1, [written(1)], 1, retries=3))
    second = load(owner="owner 2")
    second.sink.commit(InsertBatch(1, [written(2)], 1, retries=1))
    line = second.ledger.finish(second.cycle, stats(1, resumed=1), SUCCEEDED)
    assert (line["retries"], line["stats"]["counters"]["retries"]) == (4, 4)


def test_the_time_of_an_attempt_that_died_without_a_word_counts_up_to_its_last_commit(
    warehouse: Warehouse, load: Load
) -> None:
    died = load()
    died.sink.commit(InsertBatch(1, [written(1)], 1, wall_s=3.0))
    died.sink.commit(InsertBatch(2, [written(2)], 2, wall_s=5.0))
    assert died.line["wall_s"] == 5.0
    failed = load(owner="owner 2")
    failed.sink.commit(InsertBatch(1, [written(3)], 1, wall_s=1.0))
    assert failed.line["wall_s"] == 6.0
    failed.ledger.finish(failed.cycle, stats(1, resumed=2, wall_s=2.0), FAILED)
    last = load(owner="owner 3")
    last.sink.commit(InsertBatch(1, [written(4)], 1, wall_s=0.5))
    line = last.ledger.finish(last.cycle, stats(1, resumed=3, wall_s=1.0), SUCCEEDED)
    assert (line["wall_s"], line["stats"]["counters"]["wall_s"]) == (8.0, 8.0)
    assert last.ledger.measured_rate("toy", "people") == pytest.approx(4 / 8)


def test_a_record_that_was_dropped_for_its_key_and_counted_by_nobody_is_a_duplicate(load: Load) -> None:
    load().commit(written(1), skipped(2))
    second = load(owner="owner 2")
    second.commit(written(3))
    own = Counters(records_read=1, records_written=1, records_resumed=4, rows_written=5)
    line = second.ledger.finish(second.cycle, BatchStats(counters=own), SUCCEEDED)
    assert [line[f"records_{name}"] for name in ("read", "settled", "written", "skipped")] == [5, 5, 2, 3]
    assert line["skipped_by_reason"] == {"out_of_scope": 1, "duplicate_key": 2} == line["stats"]["skipped_by_reason"]
    assert line["stats"]["counters"]["records_skipped"] == 3


def test_an_attempt_that_slept_before_its_claim_cannot_take_the_batch_back(load: Load) -> None:
    ledger = load(owner="0190-first", try_number=1).ledger
    later = load(owner="0191-second", try_number=2)
    with pytest.raises(AttemptSuperseded, match="later attempt, try 2"):
        ledger.claim(attempt(owner="0190-first", try_number=1), batch(), "print 1")
    later.commit(written(1))
    # The run was deleted and made again: tries count from 1, in a younger owner.
    assert ledger.claim(attempt(owner="0192-third", try_number=1), batch(), "print 1").owner == "0192-third"
