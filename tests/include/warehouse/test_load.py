from __future__ import annotations

import logging
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from include.engine.errors import (
    AttemptSuperseded,
    BatchStopped,
    FatalError,
    LedgerMismatch,
    RecordRejected,
    RecordSkipped,
    TooManyRejects,
    TransientError,
)
from include.engine.model import Batch, Record, Rows
from include.engine.settings import EngineSettings
from include.warehouse.connection import Warehouse, sqlite_warehouse
from include.warehouse.ledger import Ledger
from include.warehouse.load import load_batch
from include.warehouse.runs import Run, run_line, start_run
from include.warehouse.schema import prepare
from include.warehouse.summary import judge_run
from include.warehouse.target import Target
from include.warehouse.verify import verify
from tests.include.warehouse.toy_people import attempt, batch, count, execute, fetch, people, person_rows

PLANTED = "planted-patient-name"
SETTINGS = EngineSettings(workers=2, insert_batch=5, max_wait_s=0.05, max_tries=1, retry_initial_s=0.0)


@dataclass
class Toy:
    """Keys 0 to 19: 3 is bad, 4 out of scope, 5 too long for its column, 6 refused by the database, 7 a bug."""

    name: str = "toy"
    target: Target = field(default_factory=people)
    fingerprint: str = "print 1"
    keys: range = range(20)
    fails_at: int | None = None
    stops_at: tuple[int, threading.Event] | None = None
    read: list[Any] = field(default_factory=list)

    def source(self) -> Toy:
        return self

    def read_records(self) -> Iterator[Record]:
        for key in self.keys:
            if key == self.fails_at:
                raise FatalError("the source is gone")
            if self.stops_at is not None and key == self.stops_at[0]:
                self.stops_at[1].set()
            self.read.append(key)
            yield Record(key, f"{PLANTED} {key}", size=10)

    def transform(self) -> Any:
        return rows_of

    def content_hash(self, record: Record) -> str:
        return str(record.payload)


class ToySource:
    def __init__(self, toy: Toy) -> None:
        self._toy = toy

    def read(self, batch: Batch) -> Iterator[Record]:
        return self._toy.read_records()


@dataclass
class ToyPipeline(Toy):
    def source(self) -> Any:
        return ToySource(self)


def rows_of(record: Record) -> Rows:
    match record.key:
        case 3:
            raise RecordRejected("toy.bad", "field name is missing")
        case 4:
            raise RecordSkipped("out_of_scope")
        case 5:
            return person_rows(5, "x" * 51)
        case 6:
            return person_rows(6, line="forbidden")
        case 7:
            raise KeyError(PLANTED)
    return person_rows(record.key)


@pytest.fixture
def file(tmp_path: Path) -> Warehouse:
    """For what looks into SQLite's file."""
    return sqlite_warehouse(tmp_path / "w.db")


def check_code(warehouse: Warehouse) -> str:
    """One number stands for foreign keys and checks on SQL Server."""
    return {"sqlite": "constraint.check", "mssql": "constraint.reference_or_check"}[warehouse.name]


def load(warehouse: Warehouse, pipeline: ToyPipeline, stop: threading.Event | None = None, **options: Any) -> Any:
    changes, settings = options.pop("attempt", {}), options.pop("settings", SETTINGS)
    return load_batch(
        pipeline, batch(), attempt(**changes), warehouse, settings, stop=stop or threading.Event(), **options
    )


def test_a_batch_settles_every_record_and_returns_its_line(
    warehouse: Warehouse, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    line = load(warehouse, ToyPipeline())
    assert [line[f"records_{n}"] for n in ("read", "settled", "written", "rejected", "skipped")] == [20, 20, 15, 4, 1]
    assert (line["state"], line["rows_written"]) == ("succeeded", 75)
    codes = dict(fetch(warehouse, "SELECT record_key, code FROM headrace_rejects"))
    assert {key: code for key, code in codes.items() if key != "7"} == {
        "3": "toy.bad",
        "5": "fit.too_long",
        "6": check_code(warehouse),
    }
    assert codes["7"].startswith("bug")
    assert verify(warehouse, "toy", people()) == []
    everything = fetch(warehouse, "SELECT message FROM headrace_rejects") + fetch(
        warehouse, "SELECT stats FROM headrace_batches"
    )
    assert PLANTED not in caplog.text + str(everything) + str(line)


def test_a_retry_goes_on_where_the_first_attempt_stopped(warehouse: Warehouse) -> None:
    with pytest.raises(FatalError, match="the source is gone"):
        load(warehouse, ToyPipeline(fails_at=12))
    (failed,) = Ledger(warehouse).lines_of_run("toy_dag", "run 1")
    assert (failed["state"], failed["error"]) == ("failed", "FatalError: the source is gone")
    line = load(warehouse, ToyPipeline(), attempt={"owner": "owner 2", "try_number": 2})
    assert line["cycle_id"] == failed["cycle_id"]
    assert (line["records_read"], line["records_settled"], line["attempts"]) == (20, 20, 2)
    assert line["records_resumed"] == failed["records_settled"]
    assert count(warehouse, "headrace_records") == 20
    assert verify(warehouse, "toy", people()) == []


def test_a_batch_that_was_told_to_stop_keeps_what_it_committed(warehouse: Warehouse) -> None:
    stop = threading.Event()
    with pytest.raises(BatchStopped):
        load(warehouse, ToyPipeline(keys=range(10_000), stops_at=(300, stop)), stop)
    (line,) = Ledger(warehouse).lines_of_run("toy_dag", "run 1")
    assert line["state"] == "failed"
    assert line["records_settled"] == count(warehouse, "headrace_records")
    assert verify(warehouse, "toy", people()) == []


def test_a_success_whose_answer_was_lost_is_not_read_again(warehouse: Warehouse) -> None:
    first = load(warehouse, ToyPipeline())
    again = ToyPipeline()
    second = load(warehouse, again, attempt={"owner": "owner 2"})
    assert again.read == []
    assert {name: second[name] for name in first if name not in ("owner", "updated_at")} == {
        name: first[name] for name in first if name not in ("owner", "updated_at")
    }


def test_unchanged_records_are_skipped_unless_forced(warehouse: Warehouse) -> None:
    load(warehouse, ToyPipeline())
    line = load(warehouse, ToyPipeline(), attempt={"run_id": "run 2"}, skip_unchanged=True)
    assert (line["records_written"], line["records_skipped"], line["records_rejected"]) == (0, 16, 4)
    forced = load(warehouse, ToyPipeline(), attempt={"run_id": "run 3"}, skip_unchanged=True, force=True)
    assert forced["records_written"] == 15
    assert verify(warehouse, "toy", people()) == []


def test_a_dry_run_reports_and_touches_nothing(file: Warehouse) -> None:
    line = load(file, ToyPipeline(), dry_run=True)
    assert (line["state"], line["cycle_id"], line["records_settled"]) == ("dry_run", None, 20)
    assert fetch(file, "SELECT COUNT(*) FROM sqlite_master") == [(0,)]


def test_a_dry_run_tells_what_is_unchanged(warehouse: Warehouse) -> None:
    load(warehouse, ToyPipeline())
    before = fetch(warehouse, "SELECT * FROM headrace_records")
    line = load(warehouse, ToyPipeline(), dry_run=True, skip_unchanged=True)
    assert line["stats"]["skipped_by_reason"] == {"unchanged": 15, "out_of_scope": 1}
    assert line["records_written"] == 1, "the one that a constraint refuses, which only a database knows"
    assert fetch(warehouse, "SELECT * FROM headrace_records") == before
    forced = load(warehouse, ToyPipeline(), dry_run=True, skip_unchanged=True, force=True)
    assert forced["records_written"] == 16


def test_a_ledger_that_does_not_add_up_at_the_end_fails_its_line(tmp_path: Path) -> None:
    """On SQLite alone: the fault is a trigger, which each database spells in its own way."""
    warehouse, pipeline = sqlite_warehouse(tmp_path / "w.db"), ToyPipeline()
    prepare(warehouse, pipeline.name, pipeline.target)
    lost = "UPDATE headrace_batches SET records_read = records_read + 1 WHERE cycle_id = NEW.cycle_id"
    execute(
        warehouse,
        f"CREATE TRIGGER lost AFTER UPDATE OF state ON headrace_batches WHEN NEW.state = 'succeeded' BEGIN {lost}; END",
    )
    with pytest.raises(LedgerMismatch, match="21 records read, 20 settled"):
        load(warehouse, pipeline)
    (line,) = Ledger(warehouse).lines_of_run("toy_dag", "run 1")
    assert (line["state"], line["error"][:14], line["records_settled"]) == ("failed", "LedgerMismatch", 20)


def test_an_attempt_that_was_overtaken_stops_and_leaves_the_line_to_its_owner(warehouse: Warehouse) -> None:
    pipeline = ToyPipeline(keys=range(400))
    original = pipeline.read_records

    def overtaken() -> Iterator[Record]:
        for record in original():
            if record.key == 50:
                Ledger(warehouse).claim(attempt(owner="owner 2"), batch(), "print 1")
            yield record

    pipeline.read_records = overtaken  # type: ignore[method-assign]
    with pytest.raises(AttemptSuperseded):
        load(warehouse, pipeline)
    (line,) = Ledger(warehouse).lines_of_run("toy_dag", "run 1")
    assert (line["owner"], line["state"]) == ("owner 2", "running")
    assert line["records_settled"] == count(warehouse, "headrace_records")


def test_a_run_is_judged_by_its_ledger(warehouse: Warehouse) -> None:
    run = Run("toy", "people", "toy_dag", "run 1")
    line = load(warehouse, ToyPipeline())
    start_run(warehouse, run, [batch()])
    summary = judge_run(warehouse, run, [batch()], EngineSettings())
    assert (summary.succeeded, summary.stats.counters.records_settled) == (True, 20)
    closed = run_line(warehouse, run)
    assert closed is not None
    assert (closed["state"], closed["summary"]["records_written"]) == ("succeeded", line["records_written"])
    with pytest.raises(FatalError, match=r"1 batches missing: 1; 4 of 20 records were rejected, max_rejects is 3"):
        judge_run(warehouse, run, [batch(), batch(1)], EngineSettings(max_rejects=3))
    reopened = run_line(warehouse, run)
    assert reopened is not None
    assert reopened["state"] == "failed"


class Records(ToyPipeline):
    """Given records; then, where asked, `end` once all of them are committed."""

    def __init__(self, warehouse: Warehouse, *records: Record, end: BaseException | None = None) -> None:
        super().__init__()
        self._records, self._end, self._warehouse = records, end, warehouse

    def read_records(self) -> Iterator[Record]:
        yield from self._records
        if self._end is not None:
            for _ in range(200):
                if count(self._warehouse, "headrace_records") == len(self._records):
                    break
                time.sleep(0.01)
            raise self._end

    def transform(self) -> Any:
        return lambda record: rows_of(record) if record.payload is None else person_rows(record.key, record.payload)


def test_of_a_key_twice_the_newer_wins_also_when_the_attempt_ended_between_them(warehouse: Warehouse) -> None:
    old, new = Record(1, "old", version="1"), Record(1, "new", version="2")
    with pytest.raises(FatalError):
        load(warehouse, Records(warehouse, old, end=FatalError("gone")))
    line = load(warehouse, Records(warehouse, old, new), attempt={"owner": "owner 2", "try_number": 2})
    assert fetch(warehouse, "SELECT name FROM person") == [("new",)]
    assert (line["records_read"], line["records_settled"], line["records_resumed"]) == (2, 2, 1)


def test_a_duplicate_that_the_first_attempt_did_not_reach_settles_once(warehouse: Warehouse) -> None:
    with pytest.raises(FatalError):
        load(warehouse, Records(warehouse, Record(1, "first"), end=FatalError("gone")))
    again = Records(warehouse, Record(1, "first"), Record(1, "second"), Record(2, "other"))
    line = load(warehouse, again, attempt={"owner": "owner 2", "try_number": 2})
    assert [line[f"records_{n}"] for n in ("read", "settled", "written", "skipped")] == [3, 3, 2, 1]
    assert line["skipped_by_reason"] == {"duplicate_key": 1}
    assert fetch(warehouse, "SELECT name FROM person WHERE person_id = 1") == [("first",)]


def test_a_retry_does_not_count_again_what_another_run_has_written_since(warehouse: Warehouse) -> None:
    records = [Record(key, "Ada") for key in (1, 2)]
    with pytest.raises(FatalError):
        load(warehouse, Records(warehouse, *records, end=FatalError("gone")))
    load(warehouse, Records(warehouse, Record(1, "Grace")), attempt={"run_id": "run 2"})
    line = load(warehouse, Records(warehouse, *records, Record(8, "Eve")), attempt={"owner": "owner 2"})
    assert (line["records_settled"], line["records_resumed"]) == (3, 2)


def test_a_retry_that_two_runs_have_overtaken_counts_each_record_once(warehouse: Warehouse) -> None:
    records = [Record(key, "Ada") for key in (1, 2, 3, 4, 8, 9)]
    with pytest.raises(FatalError):
        load(warehouse, Records(warehouse, *records[:4], end=FatalError("gone")))
    for run in ("run 2", "run 3"):
        load(warehouse, Records(warehouse, *records), attempt={"run_id": run})
    line = load(warehouse, Records(warehouse, *records), attempt={"owner": "owner 2"})
    names = ("read", "settled", "written", "rejected", "skipped", "resumed")
    assert [line[f"records_{name}"] for name in names] == [6, 6, 6, 0, 0, 0]
    assert line["stats"]["counters"] == {name: line[name] for name in line["stats"]["counters"]}


def test_what_left_the_source_before_the_retry_stays_counted(warehouse: Warehouse) -> None:
    records = [Record(key, "Ada") for key in (1, 2, 8)]
    with pytest.raises(FatalError):
        load(warehouse, Records(warehouse, *records[:2], end=FatalError("gone")))
    load(warehouse, Records(warehouse, *records), attempt={"run_id": "run 2"})
    line = load(warehouse, Records(warehouse, *records[1:]), attempt={"owner": "owner 2"})
    assert [line[f"records_{name}"] for name in ("read", "settled", "written")] == [3, 3, 3]


def test_rejects_of_the_attempt_before_count_for_the_limit(warehouse: Warehouse) -> None:
    settings = replace(SETTINGS, max_rejects=1)
    with pytest.raises(TransientError):
        load(warehouse, Records(warehouse, Record(3, None), end=TransientError("away")), settings=settings)
    with pytest.raises(TooManyRejects, match="2 of 2 records were rejected"):
        load(warehouse, Records(warehouse, Record(3, None), Record(7, None)), settings=settings)


def test_statistics_name_what_the_warehouse_settled(warehouse: Warehouse) -> None:
    load(warehouse, Records(warehouse, Record(9, "new", version="9")))
    records = [Record(key, None) for key in (3, 4, 6, 7)] + [Record(9, "old", version="1"), *[Record(8, None)] * 2]
    line = load(warehouse, Records(warehouse, *records), attempt={"run_id": "run 2"}, skip_unchanged=True)
    stats = line["stats"]
    assert stats["rejected_by_code"] == {"toy.bad": 1, check_code(warehouse): 1, "bug.KeyError": 1}
    assert stats["skipped_by_reason"] == {"out_of_scope": 1, "older_version": 1, "duplicate_key": 1}
    assert (stats["rejected_by_code"], stats["skipped_by_reason"]) == (
        line["rejected_by_code"],
        line["skipped_by_reason"],
    )
    assert (stats["counters"]["records_bugs"], line["records_bugs"]) == (1, 1)


@dataclass
class Disturbed(ToyPipeline):
    """Something happens when its source comes to the record 50."""

    disturb: Callable[[], object] = int

    def read_records(self) -> Iterator[Record]:
        for record in super().read_records():
            if record.key == 50:
                self.disturb()
            yield record


def test_a_stop_is_obeyed_in_time_while_another_holds_the_warehouse(file: Warehouse, tmp_path: Path) -> None:
    stop = threading.Event()
    other = sqlite3.connect(tmp_path / "w.db", isolation_level=None, check_same_thread=False)

    def lock_and_stop() -> None:
        other.execute("BEGIN IMMEDIATE")
        stop.set()

    began = time.monotonic()
    with pytest.raises(BatchStopped):
        load(
            file,
            Disturbed(keys=range(1000), disturb=lock_and_stop),
            stop,
            settings=replace(SETTINGS, query_timeout_s=1),
        )
    assert time.monotonic() - began < 5
    other.close()
    (line,) = Ledger(file).lines_of_run("toy_dag", "run 1")
    assert line["records_settled"] == count(file, "headrace_records")


def test_an_exception_of_a_signal_is_obeyed_in_time_while_another_holds_the_warehouse(
    file: Warehouse, tmp_path: Path
) -> None:
    class Alarm(BaseException):
        pass

    def ring(*_: Any) -> None:
        raise Alarm

    other = sqlite3.connect(tmp_path / "w.db", isolation_level=None, check_same_thread=False)

    def lock_and_set_alarm() -> None:
        other.execute("BEGIN IMMEDIATE")
        signal.setitimer(signal.ITIMER_REAL, 0.3)

    before = signal.signal(signal.SIGALRM, ring)
    patience = threading.Timer(10, lambda: other.execute("ROLLBACK"))
    patience.start()
    try:
        with pytest.raises(Alarm):
            load(file, Disturbed(keys=range(1000), disturb=lock_and_set_alarm))
        assert other.in_transaction, "it ended before the other did"
    finally:
        signal.signal(signal.SIGALRM, before)
        patience.cancel()
        patience.join()
        other.close()
    (line,) = Ledger(file).lines_of_run("toy_dag", "run 1")
    assert line["records_settled"] == count(file, "headrace_records")


def test_a_batch_that_failed_before_its_claim_is_not_judged_by_its_former_success(warehouse: Warehouse) -> None:
    run = Run("toy", "people", "toy_dag", "run 1")
    line = load(warehouse, ToyPipeline())
    start_run(warehouse, run, [batch()])
    assert judge_run(warehouse, run, [batch()], EngineSettings(), reported=[line]).succeeded
    with pytest.raises(FatalError, match="1 batches failed: 0"):
        judge_run(warehouse, run, [batch()], EngineSettings(), reported=[])


@dataclass
class FollowingPipeline(ToyPipeline):
    followed: list[int] = field(default_factory=list)
    breaks: bool = False

    def after_batch(self, cycle_id: int, stop: threading.Event) -> None:
        assert not stop.is_set()
        self.followed.append(cycle_id)
        if self.breaks:
            raise TransientError("the disk is slow")


def test_what_follows_a_batch_is_done_once_it_is_committed_and_again_by_its_retry(warehouse: Warehouse) -> None:
    pipeline = FollowingPipeline(breaks=True)
    with pytest.raises(TransientError, match="the disk is slow"):
        load(warehouse, pipeline)
    (cycle_id,) = pipeline.followed
    assert Ledger(warehouse).line(cycle_id)["state"] == "succeeded"

    pipeline.breaks = False
    line = load(warehouse, pipeline, attempt={"owner": "owner 2", "try_number": 2})
    assert pipeline.followed == [cycle_id, cycle_id]
    assert (line["cycle_id"], line["records_settled"]) == (cycle_id, 20)
    load(warehouse, pipeline, dry_run=True)
    assert len(pipeline.followed) == 2


@dataclass
class EquippedPipeline(ToyPipeline):
    warehouse: Warehouse | None = None
    settled_when_asked: list[int] = field(default_factory=list)
    failures: int = 0
    is_open: bool = False
    left: int = 0
    ending: threading.Event | None = None

    @contextmanager
    def equipment(self, stop: threading.Event, ending: threading.Event) -> Iterator[Callable[[], None]]:
        assert not stop.is_set()
        assert not ending.is_set()
        self.ending = ending
        self.is_open = True
        try:
            yield self._before_commit
        finally:
            self.is_open = False
            self.left += 1

    def source(self) -> Any:
        assert self.is_open
        return super().source()

    def _before_commit(self) -> None:
        assert self.is_open
        assert self.warehouse is not None
        self.settled_when_asked.append(count(self.warehouse, "headrace_records"))
        if self.failures:
            self.failures -= 1
            raise TransientError("what it rests on is not kept yet")


def test_no_commit_comes_before_what_it_rests_on_is_kept_and_the_equipment_is_left_however_the_batch_ends(
    warehouse: Warehouse,
) -> None:
    settings = replace(SETTINGS, workers=1, commit_tries=3)
    pipeline = EquippedPipeline(warehouse=warehouse, failures=2)
    load(warehouse, pipeline, settings=settings)
    assert pipeline.settled_when_asked == [0, 0, 0, 5, 10, 15]
    assert pipeline.left == 1
    assert pipeline.ending is not None
    assert not pipeline.ending.is_set()

    pipeline.failures = 3
    with pytest.raises(TransientError, match="not kept yet"):
        load(warehouse, pipeline, settings=settings, attempt={"run_id": "run 2", "owner": "owner 2"})
    assert count(warehouse, "headrace_records", "cycle_id > 1") == 0
    assert pipeline.ending.is_set()
    load(warehouse, pipeline, dry_run=True)
    assert (pipeline.left, pipeline.is_open) == (3, False)


class Unequipped(ToyPipeline):
    @contextmanager
    def equipment(self, stop: threading.Event, ending: threading.Event) -> Iterator[Callable[[], None]]:
        raise TransientError("other tasks work with all of the shares")
        yield


def test_an_attempt_whose_equipment_is_not_to_be_had_ends_in_the_ledger_and_its_retry_goes_on(
    warehouse: Warehouse,
) -> None:
    with pytest.raises(TransientError, match="all of the shares"):
        load(warehouse, Unequipped())
    ((cycle_id, state, error, ended_at),) = fetch(
        warehouse, "SELECT cycle_id, state, error, ended_at FROM headrace_batches"
    )
    assert (state, error) == ("failed", "TransientError: other tasks work with all of the shares")
    assert ended_at is not None
    line = load(warehouse, ToyPipeline(), attempt={"owner": "owner 2", "try_number": 2})
    assert (line["cycle_id"], line["state"], line["records_settled"]) == (cycle_id, "succeeded", 20)
