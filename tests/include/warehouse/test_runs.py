from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from include.engine.model import Outcome, Settlement
from include.warehouse.connection import Warehouse
from include.warehouse.ledger import Ledger
from include.warehouse.runs import (
    WHOLE_AT,
    Run,
    finish_run,
    first_success,
    last_watermark,
    read_whole_at,
    run_line,
    start_run,
)
from include.warehouse.vanished import settle_vanished
from include.warehouse.verify import verify
from include.warehouse.window import Window
from tests.include.warehouse.toy_people import Loading, batch, count, fetch, people, rejected, written

Load = Callable[..., Loading]
RUN = Run("toy", "people", "toy_dag", "run 1")


def test_a_run_keeps_its_plan_window_and_settings(warehouse: Warehouse, load: Load) -> None:
    load()
    window = Window(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC))
    start_run(warehouse, RUN, [batch(0, 10), batch(1, 5)], settings={"force": True}, window=window)
    line = run_line(warehouse, RUN)
    assert line is not None
    assert (line["batches_planned"], line["records_planned"], line["state"]) == (2, 15, "running")
    assert (line["window_start"], line["settings"]) == ("2024-01-01T00:00:00", {"force": True})
    finish_run(warehouse, RUN, "succeeded", {"records_written": 3})
    closed = run_line(warehouse, RUN)
    assert closed is not None
    assert (closed["state"], closed["summary"]) == ("succeeded", {"records_written": 3})
    assert run_line(warehouse, Run("toy", "people", "toy_dag", "never")) is None


def test_a_run_reads_the_whole_source_of_a_moment_where_its_plan_said_so(warehouse: Warehouse, load: Load) -> None:
    load()
    assert read_whole_at(warehouse, RUN) is None, "the run was never opened"
    moment = datetime(2026, 1, 2, 3, 4, 5, 678, UTC).replace(tzinfo=None)
    for settings, told in ((None, None), ({WHOLE_AT: None}, None), ({WHOLE_AT: moment.isoformat()}, moment)):
        start_run(warehouse, RUN, [batch(0)], settings=settings)
        assert read_whole_at(warehouse, RUN) == told


def test_a_run_that_is_opened_again_forgets_batches_beyond_its_new_plan(warehouse: Warehouse, load: Load) -> None:
    load(batch_index=0)
    load(batch_index=1)
    start_run(warehouse, RUN, [batch(0), batch(1)])
    start_run(warehouse, RUN, [batch(0)])
    assert [line["batch_index"] for line in Ledger(warehouse).lines_of_run("toy_dag", "run 1")] == [0]
    assert count(warehouse, "headrace_runs") == 1


def test_the_watermark_is_that_of_the_last_success(warehouse: Warehouse, load: Load) -> None:
    load()
    assert last_watermark(warehouse, "toy", "people") is None
    for name, state in (("a", "succeeded"), ("b", "succeeded"), ("c", "failed")):
        run = Run("toy", "people", "toy_dag", name)
        start_run(warehouse, run, [], watermark=f"mark {name}")
        finish_run(warehouse, run, state, {})
    start_run(warehouse, RUN, [], watermark="mark running")
    assert last_watermark(warehouse, "toy", "people") == "mark b"


def test_the_watermark_before_a_run_is_that_of_the_runs_that_were_opened_before_it(
    warehouse: Warehouse, load: Load
) -> None:
    load()
    first, second = Run("toy", "people", "toy_dag", "a"), Run("toy", "people", "toy_dag", "b")
    assert last_watermark(warehouse, "toy", "people", before=first) is None
    for run in (first, second, first):
        start_run(warehouse, run, [], watermark=f"mark {run.run_id}")
        finish_run(warehouse, run, "succeeded", {})
    assert last_watermark(warehouse, "toy", "people") == "mark a", "it ended last"
    assert last_watermark(warehouse, "toy", "people", before=first) is None
    assert last_watermark(warehouse, "toy", "people", before=second) == "mark a"
    assert last_watermark(warehouse, "toy", "people", before=RUN) == "mark a", "a new run has all before it"


def test_a_dry_run_is_no_first_success(warehouse: Warehouse, load: Load) -> None:
    load()
    for name, settings in (("dry", {"dry_run": True}), ("real", {"file": '"dry_run": true', "dry_run": False})):
        assert first_success(warehouse, "toy", "people") is None
        run = Run("toy", "people", "toy_dag", name)
        start_run(warehouse, run, [], settings=settings)
        finish_run(warehouse, run, "succeeded", {})
    line = run_line(warehouse, Run("toy", "people", "toy_dag", "real"))
    assert line is not None
    assert first_success(warehouse, "toy", "people") == datetime.fromisoformat(line["ended_at"]).replace(tzinfo=UTC)


def test_the_first_success_is_the_earliest_end_of_a_run_that_succeeded(warehouse: Warehouse, load: Load) -> None:
    load()
    assert first_success(warehouse, "toy", "people") is None
    before = datetime.now(UTC)
    ends: list[datetime | None] = []
    for name, state in (("a", "failed"), ("b", "succeeded"), ("c", "succeeded")):
        run = Run("toy", "people", "toy_dag", name)
        start_run(warehouse, run, [])
        finish_run(warehouse, run, state, {})
        ends.append(first_success(warehouse, "toy", "people"))
    failed, first, second = ends
    assert failed is None
    assert first is not None
    assert before <= first == second <= datetime.now(UTC)


def test_vanished_records_are_kept_counted_or_removed(warehouse: Warehouse, load: Load) -> None:
    load(run_id="run 0").commit(written(1), written(2), written(3), rejected(4))
    load(run_id="run 1").commit(written(1))
    assert settle_vanished(warehouse, RUN, people(), "keep") == 0
    assert settle_vanished(warehouse, RUN, people(), "count") == 2
    assert count(warehouse, "person") == 3
    assert settle_vanished(warehouse, RUN, people(), "remove") == 2
    assert fetch(warehouse, "SELECT person_id FROM person") == [(1,)]
    assert sorted(fetch(warehouse, "SELECT record_key FROM headrace_records")) == [("1",), ("4",)]
    assert verify(warehouse, "toy", people()) == []


def test_a_plan_of_one_pipeline_leaves_the_batches_of_others_in_the_run_alone(warehouse: Warehouse, load: Load) -> None:
    load(batch_index=0)
    load(batch_index=1)
    start_run(warehouse, Run("another", "people", "toy_dag", "run 1"), [batch(0)])
    assert [line["batch_index"] for line in Ledger(warehouse).lines_of_run("toy_dag", "run 1")] == [0, 1]


def test_a_vanished_record_leaves_no_open_reject(warehouse: Warehouse, load: Load) -> None:
    load(run_id="run 0").commit(written(1), written(2))
    unanswered = Settlement(1, Outcome.REJECTED, code="timeout.transform", message="no answer")
    load(run_id="run 0", batch_index=1).commit(unanswered)
    load(run_id="run 1").commit(written(2))
    assert settle_vanished(warehouse, RUN, people(), "remove") == 1
    assert count(warehouse, "headrace_rejects", "resolved_at IS NULL") == 0
