"""What a batch promises when a part of it fails."""

from __future__ import annotations

import gc
import signal
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from include.engine.errors import (
    BatchStopped,
    FatalError,
    LedgerMismatch,
    RecordRejected,
    SettingsError,
    SourceChanged,
    TooManyRejects,
    TooManyStuckWorkers,
    TransientError,
)
from include.engine.model import InsertBatch, Outcome, Receipt, Record, Rows
from include.engine.stats import BatchStats

END_S = 10.0
"""Every failure must end a batch well within 2 s on an idle machine; the rest is for a busy one."""


@pytest.fixture(autouse=True)
def ends_soon(house: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The batches; what a test does besides, as to collect all garbage of its process, takes its time."""
    took, run = [0.0], house.run

    def timed(*args: Any, **options: Any) -> BatchStats:
        started = time.monotonic()
        try:
            stats: BatchStats = run(*args, **options)
        finally:
            took.append(time.monotonic() - started)
        return stats

    monkeypatch.setattr(house, "run", timed)
    yield
    assert max(took) < END_S


def endless() -> Iterator[Record]:
    number = 0
    while True:
        yield Record(number, None, size=10)
        number += 1


def test_a_writer_that_dies_stops_producers_blocked_on_a_full_queue_and_surfaces_with_its_cause(house: Any) -> None:
    def die(insert_batch: InsertBatch) -> None:
        if insert_batch.ordinal == 3:
            time.sleep(0.05)  # the queue fills, the workers block
            try:
                raise OSError("the line is cut")
            except OSError as cause:
                raise FatalError("the database refuses") from cause

    house.sink.before_commit = die
    with pytest.raises(FatalError, match="refuses") as caught:
        house.run(endless(), queue_records=50, insert_batch=20)
    assert isinstance(caught.value.__cause__, OSError)
    assert len(house.sink.insert_batches) == 2
    [(stats, error)] = house.ends
    assert error is caught.value
    assert stats.counters.records_written == 40


def test_an_unexpected_error_of_the_sink_surfaces_unchanged(house: Any) -> None:
    def die(insert_batch: InsertBatch) -> None:
        raise ZeroDivisionError

    house.sink.before_commit = die
    with pytest.raises(ZeroDivisionError):
        house.run(endless())
    assert house.sink.closed == 1


def test_transient_errors_of_the_sink_replay_the_same_insert_batch_under_its_ordinal(house: Any) -> None:
    asked: list[tuple[int, tuple[Any, ...], int]] = []

    def storm(insert_batch: InsertBatch) -> None:
        asked.append(
            (insert_batch.ordinal, tuple(one.key for one in insert_batch.settlements), insert_batch.records_read)
        )
        if len(asked) in (2, 3, 5):
            raise TransientError("deadlock")

    house.sink.before_commit = storm
    stats = house.run(500, insert_batch=100, commit_tries=3)
    assert asked[1] == asked[2] == asked[3]
    assert asked[4] == asked[5]
    assert len(house.sink.by_key()) == 500
    assert [one.ordinal for one in house.sink.insert_batches] == list(range(1, stats.commits + 1))
    assert house.sink.resets == 3
    assert stats.commit_retries == 3
    assert stats.counters.retries == 0


def test_a_commit_that_stays_transient_ends_the_batch_as_transient(house: Any) -> None:
    def storm(insert_batch: InsertBatch) -> None:
        raise TransientError("the database is away")

    house.sink.before_commit = storm
    with pytest.raises(TransientError, match="away"):
        house.run(endless(), commit_tries=3)
    assert house.sink.resets == 2
    assert house.sink.insert_batches == []


def test_a_receipt_that_settles_another_number_is_a_ledger_mismatch(house: Any) -> None:
    house.sink.commit = lambda insert_batch: Receipt(written=len(insert_batch.settlements) - 1)
    with pytest.raises(LedgerMismatch, match="insert batch 1"):
        house.run(10)


def test_the_receipt_is_the_truth_of_the_counters(house: Any) -> None:
    codes, reasons = {"constraint.check": 1, "bug.KeyError": 1}, {"older_version": 97}
    house.sink.commit = lambda one: Receipt(1, 2, len(one.settlements) - 3, 9, codes, reasons)
    stats = house.run(100, workers=1, insert_batch=100, max_wait_s=3)
    counters = stats.counters
    assert (counters.records_written, counters.records_rejected, counters.records_skipped) == (1, 2, 97)
    assert (counters.rows_written, counters.records_bugs) == (9, 1)
    assert (stats.rejected_by_code, stats.skipped_by_reason) == (codes, reasons)


def test_rejects_of_earlier_attempts_count_for_the_limit(house: Any) -> None:
    def bad(record: Record) -> Rows:
        raise RecordRejected("test.bad", "field x is bad")

    with pytest.raises(TooManyRejects, match="11 of 40 records were rejected, max_rejects is 10"):
        house.run(2, bad, max_rejects=10, insert_batch=1, settled_before=Receipt(written=29, rejected=10))


def test_too_many_rejects_end_the_batch_after_they_are_committed(house: Any) -> None:
    def bad(record: Record) -> Rows:
        raise RecordRejected("test.bad", "field x is bad")

    with pytest.raises(TooManyRejects, match="max_rejects is 10"):
        house.run(endless(), bad, max_rejects=10, insert_batch=5)
    assert 11 <= len(house.sink.settlements) <= 15
    assert house.ends[0][0].counters.records_rejected == len(house.sink.settlements)


def test_the_reject_rate_is_looked_at_from_the_100th_record_on(house: Any) -> None:
    def mostly_bad(record: Record) -> Rows:
        if int(record.key) % 2:
            raise RecordRejected("test.bad", "field x is bad")
        return {}

    assert house.run(98, mostly_bad, max_reject_rate=0.1).counters.records_rejected == 49
    with pytest.raises(TooManyRejects, match="max_reject_rate"):
        house.run((Record(number, None) for number in range(1000, 9000)), mostly_bad, max_reject_rate=0.1)
    settled = [one for one in house.sink.settlements if int(one.key) >= 1000]
    assert 100 <= len(settled) < 300


def test_a_source_that_fails_midway_ends_the_batch_and_is_closed(house: Any) -> None:
    records = [*(Record(number, None) for number in range(300)), SourceChanged("another ETag")]
    with pytest.raises(SourceChanged):
        house.run(records)
    assert house.source.closed_in.name == "headrace-reader"
    assert house.ends[0][0].counters.records_settled == len(house.sink.settlements)


def test_a_fatal_error_of_one_record_ends_the_whole_batch(house: Any) -> None:
    def fatal(record: Record) -> Rows:
        if record.key == 777:
            raise FatalError("the licence has ended")
        return {}

    with pytest.raises(FatalError, match="licence"):
        house.run(endless(), fatal)


def test_a_memory_that_fails_ends_the_batch(house: Any) -> None:
    class Broken:
        def prior(self, keys: Any) -> Any:
            raise FatalError("no such table")

    with pytest.raises(FatalError, match="no such table"):
        house.run(endless(), memory=Broken())


def test_stop_while_the_queue_is_full_ends_all_threads(house: Any) -> None:
    entered = threading.Event()

    def slow(insert_batch: InsertBatch) -> None:
        entered.set()
        time.sleep(0.2)

    house.sink.before_commit = slow
    threading.Thread(target=lambda: (entered.wait(5), house.stop.set()), daemon=True).start()
    started = time.monotonic()
    with pytest.raises(BatchStopped):
        house.run(endless(), queue_records=10, insert_batch=10)
    assert time.monotonic() - started < 2
    [(stats, error)] = house.ends
    assert isinstance(error, BatchStopped)
    assert stats.counters.records_settled == len(house.sink.settlements) <= 20


def test_stop_interrupts_the_waits_between_tries_at_once(house: Any) -> None:
    def busy(record: Record) -> Rows:
        house.stop.set()
        raise TransientError("busy", retry_after_s=1000)

    started = time.monotonic()
    with pytest.raises(BatchStopped):
        house.run(10, busy, retry_max_wait_s=1000, retry_total_s=5000)
    assert time.monotonic() - started < 2


def test_a_batch_that_is_stopped_before_it_starts_reads_nothing(house: Any) -> None:
    house.stop.set()
    with pytest.raises(BatchStopped):
        house.run(endless())
    assert house.source.delivered == 0
    assert house.sink.closed == 1
    assert len(house.ends) == 1


def test_stop_leaves_a_transform_that_hangs_behind_within_2_s(house: Any, gate: threading.Event) -> None:
    def hang(record: Record) -> Rows:
        house.stop.set()
        gate.wait(30)
        return {}

    started = time.monotonic()
    with pytest.raises(BatchStopped):
        house.run(10, hang)
    assert time.monotonic() - started < 3


def test_stop_leaves_a_source_that_is_silent_behind_within_2_s(house: Any, gate: threading.Event) -> None:
    def silent() -> Iterator[Record]:
        house.stop.set()
        gate.wait(30)
        yield Record(1, None)

    with pytest.raises(BatchStopped):
        house.run(silent(), query_timeout_s=30)
    assert house.source.closed_in is None


@pytest.mark.parametrize("workers", [2, 4])
def test_an_overdue_record_is_rejected_its_late_result_dropped_its_thread_replaced(
    house: Any, gate: threading.Event, workers: int
) -> None:
    def one_hangs(record: Record) -> Rows:
        if record.key == 100:
            gate.wait(30)
        return {"t": [(record.key,)]}

    stats = house.run(1000, one_hangs, workers=workers, record_timeout_s=0.2)
    settled = house.sink.by_key()
    assert len(settled) == 1000
    assert (settled[100].code, settled[100].rows, settled[100].outcome) == ("timeout.transform", None, Outcome.REJECTED)
    assert stats.counters.records_written == 999
    assert stats.workers_abandoned == 1


def test_order_holds_around_an_overdue_record(house: Any, gate: threading.Event) -> None:
    def one_hangs(record: Record) -> Rows:
        if record.key == 50:
            gate.wait(30)
        return {}

    house.run(300, one_hangs, workers=3, record_timeout_s=0.2, ordered=True, reorder_window=20)
    assert [one.index for one in house.sink.settlements] == list(range(300))


def test_results_that_come_about_when_they_are_due_settle_once(house: Any) -> None:
    def about_due(record: Record) -> Rows:
        time.sleep(0.05 + 0.01 * (int(record.key) % 3 - 1))
        return {}

    stats = house.run(60, about_due, workers=16, record_timeout_s=0.05)
    assert len(house.sink.by_key()) == 60
    assert stats.counters.records_settled == 60


def test_one_stuck_record_costs_one_record_also_with_one_worker(house: Any, gate: threading.Event) -> None:
    def stuck_once(record: Record) -> Rows:
        if record.key == 3:
            gate.wait(30)
        return {}

    stats = house.run(10, stuck_once, workers=1, record_timeout_s=0.2)

    assert (stats.counters.records_written, stats.counters.records_rejected) == (9, 1)
    assert stats.rejected_by_code == {"timeout.transform": 1}


def test_as_many_stuck_threads_as_workers_are_fatal(house: Any, gate: threading.Event) -> None:
    def hang(record: Record) -> Rows:
        gate.wait(30)
        return {}

    with pytest.raises(TooManyStuckWorkers, match="2 worker threads"):
        house.run(10, hang, workers=2, record_timeout_s=0.1)


def test_waits_between_tries_do_not_count_as_overdue(house: Any) -> None:
    tries: list[Any] = []

    def patient(record: Record) -> Rows:
        tries.append(record.key)
        if len(tries) == 1:
            raise TransientError("busy", retry_after_s=0.4)
        return {}

    stats = house.run(1, patient, workers=2, record_timeout_s=0.15)
    assert stats.counters.records_written == 1
    assert stats.workers_abandoned == 0


class Alarm(BaseException):
    """As an execution timeout."""


@pytest.fixture
def alarm() -> Iterator[Callable[[], None]]:
    """Rings in the main thread, once, soon after it was set."""

    def ring(*_: Any) -> None:
        raise Alarm

    first = threading.Lock()

    def set_alarm() -> None:
        if first.acquire(blocking=False):
            signal.setitimer(signal.ITIMER_REAL, 0.1)

    before = signal.signal(signal.SIGALRM, ring)
    yield set_alarm
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_an_exception_that_a_signal_raises_in_the_main_thread_frees_everything(
    house: Any, alarm: Callable[[], None]
) -> None:
    house.sink.before_commit = lambda _: alarm()
    with pytest.raises(Alarm):
        house.run(endless(), queue_records=10)
    assert len(house.ends) == 1
    assert isinstance(house.ends[0][1], Alarm)


def test_an_exception_of_a_signal_stops_a_commit_that_waits_as_a_kill_does(
    house: Any, alarm: Callable[[], None]
) -> None:
    stopped: list[bool] = []

    def wait(insert_batch: InsertBatch) -> None:
        alarm()
        stopped.append(house.stop.wait(30))
        raise BatchStopped("told to stop")

    house.sink.before_commit = wait
    with pytest.raises(Alarm):
        house.run(endless(), queue_records=10, insert_batch=10, query_timeout_s=30)
    assert stopped == [True]


def test_a_signal_amid_the_wait_for_the_writer_does_not_end_that_wait(house: Any, alarm: Callable[[], None]) -> None:
    rang = threading.Event()

    def wait(insert_batch: InsertBatch) -> None:
        house.stop.set()
        alarm()
        rang.wait(0.5)
        insert_batches.append(insert_batch)

    insert_batches: list[InsertBatch] = []
    house.sink.before_commit = wait
    with pytest.raises(BatchStopped):
        house.run(endless(), queue_records=10, query_timeout_s=30)
    assert len(insert_batches) == len(house.sink.insert_batches) == house.sink.closed == 1
    assert len(house.ends) == 1


def test_a_worker_that_cannot_be_replaced_ends_the_batch_after_the_commit_that_is_open(
    house: Any, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    committing, start = threading.Event(), threading.Thread.start

    def commit(_: InsertBatch) -> None:
        committing.set()
        gate.wait(1)

    def refuse(thread: threading.Thread) -> None:
        if committing.is_set() and thread.name.startswith("headrace-worker"):
            raise RuntimeError("can't start new thread")
        start(thread)

    def hang(record: Record) -> Rows:
        if record.key == 5:
            committing.wait(10)
            gate.wait(20)
        return {}

    house.sink.before_commit = commit
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError, match="new thread"):
        house.run(50, hang, workers=2, record_timeout_s=0.3, insert_batch=2, query_timeout_s=20)
    assert len(house.sink.insert_batches) == house.sink.closed == 1


def test_a_batch_that_fails_by_itself_is_not_told_to_stop(house: Any) -> None:
    with pytest.raises(FatalError, match="midway"):
        house.run([FatalError("midway")])
    assert not house.stop.is_set()


def test_a_report_that_fails_does_not_hide_the_error_of_the_batch(house: Any) -> None:
    class Ends(list[Any]):
        def append(self, end: Any) -> None:
            raise OSError("the ledger is away")

    house.ends = Ends()
    with pytest.raises(FatalError, match="midway"):
        house.run([FatalError("midway")])
    with pytest.raises(OSError, match="away"):
        house.run(3)


def test_processes_need_a_transform_that_can_be_named(house: Any) -> None:
    with pytest.raises(SettingsError, match="ProcessTransform"):
        house.run(3, worker_kind="processes")
    assert house.sink.closed == 1
    assert len(house.ends) == 1


def test_a_failed_batch_keeps_no_records_alive(house: Any) -> None:
    class Payload:
        pass

    seen: list[weakref.ref[Payload]] = []

    def records() -> Iterator[Record]:
        for number in range(50):
            payload = Payload()
            seen.append(weakref.ref(payload))
            yield Record(number, payload)
        raise FatalError("midway")

    with pytest.raises(FatalError):
        house.run(records())
    house.ends.clear()
    gc.collect()
    assert sum(one() is not None for one in seen) <= 1


@pytest.mark.parametrize(("error", "kind"), [(FatalError("the first ends it"), FatalError), (None, BatchStopped)])
def test_what_transforms_wait_for_learns_at_once_that_the_batch_ends_whatever_ends_it(
    house: Any, error: FatalError | None, kind: type
) -> None:
    ending = threading.Event()

    def wait(record: Record) -> Rows:
        if record.key == 0 and error is not None:
            raise error
        if record.key == 0:
            house.stop.set()
        assert ending.wait(END_S)
        raise BatchStopped("told")

    with pytest.raises(kind):
        house.run(3, wait, workers=3, ending=ending)
    assert ending.is_set()


def test_a_batch_that_goes_well_does_not_tell_that_it_ends(house: Any) -> None:
    ending = threading.Event()
    house.run(10, ending=ending)
    assert not ending.is_set()
