from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
import sqlalchemy as sa

from include.engine.errors import AttemptSuperseded, BatchStopped, FatalError, LedgerMismatch
from include.engine.model import InsertBatch, Outcome, Receipt, Settlement
from include.warehouse.connection import Warehouse
from include.warehouse.records import WarehouseMemory
from include.warehouse.sink import WarehouseSink
from include.warehouse.target import Target
from include.warehouse.verify import Difference, verify
from tests.include.warehouse.toy_people import (
    Loading,
    count,
    execute,
    fetch,
    lone,
    lone_people,
    people,
    rejected,
    skipped,
    written,
)

Load = Callable[..., Loading]


def test_one_commit_brings_rows_records_rejects_and_counters(warehouse: Warehouse, load: Load) -> None:
    loading = load()
    receipt = loading.commit(written(1), written(2), rejected(3), skipped(4))
    assert receipt == Receipt(2, 1, 1, 10, {"test.bad": 1}, {"out_of_scope": 1})
    assert (count(warehouse, "person"), count(warehouse, "contact"), count(warehouse, "address")) == (2, 4, 4)
    lines = fetch(warehouse, "SELECT record_key, outcome, row_count, reason FROM headrace_records ORDER BY record_key")
    assert lines == [
        ("1", "written", 5, None),
        ("2", "written", 5, None),
        ("3", "rejected", 0, "test.bad"),
        ("4", "skipped", 0, "out_of_scope"),
    ]
    assert fetch(warehouse, "SELECT record_key, code, attempts, run_id FROM headrace_rejects") == [
        ("3", "test.bad", 1, "run 1")
    ]
    line = loading.line
    assert [line[f"records_{name}"] for name in ("read", "settled", "written", "rejected", "skipped")] == [
        4,
        4,
        2,
        1,
        1,
    ]
    assert (line["rows_written"], line["ordinal"], line["state"]) == (10, 1, "running")
    assert verify(warehouse, "toy", loading.target) == []


def test_loading_again_replaces_a_record_in_parent_and_children(warehouse: Warehouse, load: Load) -> None:
    load().commit(written(1, contacts=3), written(2))
    load(run_id="run 2").commit(written(1, "Grace", contacts=1))
    assert fetch(warehouse, "SELECT person_id, name FROM person ORDER BY person_id") == [(1, "Grace"), (2, "Ada")]
    assert (count(warehouse, "contact", "person_id = 1"), count(warehouse, "address")) == (1, 3)
    assert verify(warehouse, "toy", people()) == []


def test_a_rejected_record_leaves_no_rows_of_its_former_self(warehouse: Warehouse, load: Load) -> None:
    load().commit(written(1, version="1"))
    load(run_id="run 2").commit(rejected(1, version="2"))
    assert (count(warehouse, "person"), count(warehouse, "address")) == (0, 0)
    assert fetch(warehouse, "SELECT version, content_hash, row_count FROM headrace_records") == [("2", None, 0)]


def test_the_newer_version_wins_whichever_run_brings_it(warehouse: Warehouse, load: Load) -> None:
    load().commit(written(1, "new", version="2024-02-01"))
    receipt = load(run_id="run 2").commit(written(1, "old", version="2024-01-01"))
    assert receipt.skipped == 1
    assert fetch(warehouse, "SELECT name FROM person") == [("new",)]
    assert fetch(warehouse, "SELECT version, content_hash, row_count, outcome, reason FROM headrace_records") == [
        ("2024-02-01", "1/new", 5, "skipped", "older_version")
    ]


def test_a_reject_is_counted_resolved_and_opened_again(warehouse: Warehouse, load: Load) -> None:
    query = "SELECT attempts, code, CASE WHEN resolved_at IS NULL THEN 1 ELSE 0 END FROM headrace_rejects"
    load().commit(rejected(1))
    load(run_id="run 2").commit(rejected(1, "test.worse"))
    assert fetch(warehouse, query) == [(2, "test.worse", 1)]
    load(run_id="run 3").commit(skipped(1))
    assert fetch(warehouse, query) == [(2, "test.worse", 1)]
    load(run_id="run 4").commit(written(1))
    assert fetch(warehouse, query) == [(2, "test.worse", 0)]
    load(run_id="run 5").commit(rejected(1))
    assert fetch(warehouse, query) == [(3, "test.bad", 1)]
    times = fetch(warehouse, "SELECT first_seen, last_seen FROM headrace_rejects")[0]
    assert times[0] < times[1]


def test_refused_rows_are_narrowed_to_their_records_and_the_rest_is_committed(warehouse: Warehouse, load: Load) -> None:
    loading = load()
    loading.commit(written(100))
    same_email = written(7)
    same_email.rows = {"person": [(7, "Eve", "100@example.org")]}
    settlements = [written(key, line="forbidden" if key in (3, 8) else "here") for key in range(1, 12) if key != 7]
    receipt = loading.commit(*settlements, same_email)
    assert (receipt.written, receipt.rejected) == (8, 3)
    codes = dict(fetch(warehouse, "SELECT record_key, code FROM headrace_rejects"))
    kinds = {"3": "check", "8": "check", "7": "unique"}
    if warehouse.name == "mssql":  # one number stands for foreign keys and checks there
        kinds |= {"3": "reference_or_check", "8": "reference_or_check"}
    assert codes == {key: f"constraint.{kind}" for key, kind in kinds.items()}
    assert (count(warehouse, "person"), loading.line["ordinal"]) == (9, 2)
    assert verify(warehouse, "toy", loading.target) == []


def test_a_refused_record_loses_the_rows_that_it_had(warehouse: Warehouse, load: Load) -> None:
    load().commit(written(1), written(2))
    load(run_id="run 2").commit(written(1, line="forbidden"))
    assert fetch(warehouse, "SELECT person_id FROM person") == [(2,)]
    assert verify(warehouse, "toy", people()) == []


def test_an_attempt_that_was_overtaken_writes_nothing(warehouse: Warehouse, load: Load) -> None:
    first = load()
    first.commit(written(1))
    second = load(owner="owner 2", try_number=2)
    assert second.cycle.resumed
    with pytest.raises(AttemptSuperseded):
        first.commit(written(2), written(3))
    assert count(warehouse, "person") == 1
    second.commit(written(2))
    assert second.line["records_settled"] == 2


def test_an_attempt_of_a_superseded_cycle_writes_nothing(warehouse: Warehouse, load: Load) -> None:
    first = load()
    load(max_tries=5)
    with pytest.raises(AttemptSuperseded):
        first.commit(written(1))
    assert count(warehouse, "person") == 0


def test_a_replayed_commit_is_answered_from_the_ledger(warehouse: Warehouse, load: Load) -> None:
    loading = load()
    first = loading.commit(written(1), rejected(2), skipped(3))
    loading.sink.reset()
    again = loading.sink.commit(InsertBatch(1, [written(1), rejected(2), skipped(3)], 3))
    assert again == replace(first, replayed=True)
    assert loading.line["records_settled"] == 3
    assert fetch(warehouse, "SELECT attempts FROM headrace_rejects") == [(1,)]


def test_an_ordinal_out_of_turn_is_a_bug(load: Load) -> None:
    loading = load()
    with pytest.raises(LedgerMismatch):
        loading.sink.commit(InsertBatch(3, [written(1)], 1))


def test_counters_go_on_where_an_earlier_attempt_stopped(load: Load) -> None:
    load().commit(written(1), written(2))
    second = load(owner="owner 2")
    assert second.cycle.settled == Receipt(written=2, rows_written=10)
    second.commit(written(3))
    assert (second.line["records_read"], second.line["records_settled"], second.line["attempts"]) == (3, 3, 2)


def test_memory_knows_what_is_settled_and_by_which_cycle(warehouse: Warehouse, load: Load) -> None:
    load().commit(written(1, version="5"))
    second = load(run_id="run 2")
    second.commit(written(2), written("odd key "))
    prior = WarehouseMemory(warehouse, "toy", "people", second.cycle.cycle_id).prior([1, 2, 3, "odd key "])
    assert {key: (p.version, p.content_hash, p.in_this_cycle) for key, p in prior.items()} == {
        1: ("5", "1/Ada", False),
        2: (None, "2/Ada", True),
        "odd key ": (None, None, True),
    }


def test_a_table_that_the_contract_dropped_still_loses_the_old_rows(warehouse: Warehouse, load: Load) -> None:
    load().commit(written(1), written(2))
    metadata = sa.MetaData()
    person = people().table("person").to_metadata(metadata)
    smaller = Target("people", "person_id", [person])
    settlement = written(1, "Grace")
    settlement.rows = {"person": [(1, "Grace", "g")]}
    load(smaller, run_id="run 2").commit(settlement)
    assert (count(warehouse, "contact", "person_id = 1"), count(warehouse, "contact")) == (0, 2)
    assert (count(warehouse, "address"), count(warehouse, "person")) == (2, 2)


def test_rows_outside_that_hold_on_to_ours_are_fatal_and_named_without_values(warehouse: Warehouse, load: Load) -> None:
    load().commit(written(1))
    loading = load(run_id="run 2")
    execute(
        warehouse,
        "CREATE TABLE outsider (person_id BIGINT NOT NULL REFERENCES person (person_id))",
        "INSERT INTO outsider VALUES (1)",
    )
    with pytest.raises(FatalError, match="rows outside the target hold on to its rows"):
        loading.commit(written(1, "Grace"))
    assert fetch(warehouse, "SELECT name FROM person") == [("Ada",)]


def test_text_keys_differ_by_case(warehouse: Warehouse, load: Load) -> None:
    target = lone_people()
    load(target).commit(lone(written("a")), lone(written("A")), lone(written("é")))
    load(target, run_id="run 2").commit(rejected("a"))
    assert sorted(fetch(warehouse, "SELECT person_id FROM person")) == [("A",), ("é",)]
    assert verify(warehouse, "toy", target) == []


def test_verify_names_keys_whose_rows_were_tampered_with(warehouse: Warehouse, load: Load) -> None:
    loading = load()
    loading.commit(written(1), written(2), written(3))
    execute(
        warehouse,
        "DELETE FROM address WHERE contact_id = '1-0'",
        "INSERT INTO person (person_id, name) VALUES (9, 'x')",
    )
    assert verify(warehouse, "toy", loading.target) == [Difference("1", 5, 4), Difference("9", 0, 1)]


def unanswered(key: int) -> Settlement:
    """Rejected for want of an answer: its rows stay."""
    return Settlement(key, Outcome.REJECTED, code="timeout.transform", message="no answer")


def test_a_newer_state_that_gave_no_rows_outranks_an_older_one(warehouse: Warehouse, load: Load) -> None:
    load().commit(written(1, "Ada", version="1"))
    unchanged = Settlement(1, Outcome.SKIPPED, version="3", content_hash="1/Ada", code="unchanged")
    load(run_id="run 2").commit(unchanged)
    receipt = load(run_id="run 3").commit(written(1, "Grace", version="2"))
    assert receipt.skipped_by_reason == {"older_version": 1}
    assert fetch(warehouse, "SELECT name FROM person") == [("Ada",)]
    assert fetch(warehouse, "SELECT version, content_hash FROM headrace_records") == [("3", "1/Ada")]


def test_a_key_twice_in_two_commits_ends_as_in_one(load: Load) -> None:
    loading = load()
    out_of_scope = skipped(1)
    out_of_scope.version = "1"
    loading.commit(out_of_scope)
    assert loading.commit(written(1, version="2")).written == 1
    assert loading.commit(written(1, version="2")).skipped_by_reason == {"duplicate_key": 1}


def test_texts_that_no_database_holds_are_mended(warehouse: Warehouse, load: Load) -> None:
    bad, out = rejected(1, code="json.\ud800" + "y" * 200), skipped(2, "out\udfff" * 40)
    bad.message = "field \ud800\0" + "\U0001f600" * 900
    receipt = load().commit(bad, out, written(3))
    assert (receipt.written, receipt.rejected, receipt.skipped) == (1, 1, 1)
    ((code, message),) = fetch(warehouse, "SELECT code, message FROM headrace_rejects")
    assert (len(code), message[:9]) == (100, "field \ufffd\ufffd\U0001f600")
    assert receipt.rejected_by_code == {code: 1}


def test_a_key_too_large_for_the_warehouse_costs_its_record(warehouse: Warehouse, load: Load) -> None:
    receipt = load().commit(rejected(2**63), rejected(-(10**5000)), written(2**63 - 1))
    assert (receipt.written, receipt.rejected_by_code) == (1, {"key.out_of_range": 2})
    assert fetch(warehouse, "SELECT person_id FROM person") == [(2**63 - 1,)]


def test_a_record_that_is_unchanged_closes_the_reject_of_its_missing_answer(warehouse: Warehouse, load: Load) -> None:
    load().commit(written(1))
    load(run_id="run 2").commit(unanswered(1))
    assert count(warehouse, "headrace_rejects", "resolved_at IS NULL") == 1
    load(run_id="run 3").commit(Settlement(1, Outcome.SKIPPED, content_hash="1/Ada", code="unchanged"))
    assert count(warehouse, "headrace_rejects", "resolved_at IS NULL") == 0


def test_a_key_that_another_run_has_written_since_is_settled_all_the_same(warehouse: Warehouse, load: Load) -> None:
    first = load()
    first.commit(written(1), written(2))
    load(run_id="run 2").commit(written(1, "Grace"))
    memory = WarehouseMemory(warehouse, "toy", "people", first.cycle.cycle_id)
    assert [memory.prior([1, 2])[key].in_this_cycle for key in (1, 2)] == [True, True]
    assert set(memory.prior([1, "1"])) == {1, "1"}


def test_a_commit_that_is_narrowed_stops_when_told(load: Load) -> None:
    loading, stop = load(), threading.Event()
    loading.sink = WarehouseSink(loading.warehouse, loading.cycle, loading.target, stop=stop)
    tries = 0

    def stop_at_the_third(*arguments: object) -> None:
        nonlocal tries
        tries += 1
        if tries == 3:
            stop.set()

    sa.event.listen(loading.warehouse.engine, "savepoint", stop_at_the_third)
    with pytest.raises(BatchStopped):
        loading.commit(*(written(key, line="forbidden") for key in range(64)))
    assert tries == 3
    assert loading.line["records_settled"] == 0


def test_codes_are_those_of_the_verdicts_and_outlive_an_attempt_that_died(warehouse: Warehouse, load: Load) -> None:
    load(run_id="run 0").commit(written(9, version="9"))
    died = load()
    died.commit(written(1, line="forbidden"), written(9, version="1"), rejected(2, "bug.KeyError"))
    loading = load(owner="owner 2")
    loading.commit(rejected(3, "bug.KeyError"), skipped(4))
    line = loading.line
    check = {"sqlite": "constraint.check", "mssql": "constraint.reference_or_check"}[warehouse.name]
    assert line["rejected_by_code"] == {check: 1, "bug.KeyError": 2}
    assert line["skipped_by_reason"] == {"older_version": 1, "out_of_scope": 1}
    assert line["records_bugs"] == 2
