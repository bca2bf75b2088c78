"""What a batch that goes well promises."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from include.engine.errors import FatalError, RecordRejected, RecordSkipped, TransientError
from include.engine.model import Batch, InsertBatch, KeyRange, Outcome, Prior, Receipt, Record, Rows
from include.engine.run import run_batch
from include.engine.settings import MIB, EngineSettings
from include.engine.stats import Progress


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("ordered", [False, True])
def test_every_record_settles_once_and_the_counters_say_so(house: Any, workers: int, ordered: bool) -> None:
    stats = house.run(2500, workers=workers, ordered=ordered)
    settled = house.sink.by_key()
    assert set(settled) == set(range(2500))
    assert all(settled[key].rows == {"t": [(key,)]} and settled[key].index == key for key in settled)
    counters = stats.counters
    assert (counters.records_read, counters.records_written, counters.rows_written) == (2500, 2500, 2500)
    assert (counters.records_rejected, counters.records_skipped, counters.records_resumed) == (0, 0, 0)
    assert stats.index == 3
    assert stats.transform_latency.count == 2500
    assert len(stats.slowest) == 5
    assert len(stats.worker_busy_s) == workers
    assert counters.wall_s > 0
    assert counters.insert_s > 0


def test_insert_batches_carry_ordinals_from_1_and_never_settle_more_than_was_read(house: Any) -> None:
    stats = house.run(1234, insert_batch=100)
    batches = house.sink.insert_batches
    assert [one.ordinal for one in batches] == list(range(1, len(batches) + 1))
    assert max(len(one.settlements) for one in batches) <= 100
    settled = 0
    for one in batches:
        settled += len(one.settlements)
        assert settled <= one.records_read <= 1234
    assert batches[-1].records_read == 1234
    assert stats.commits == len(batches) == stats.insert_latency.count


def test_insert_batches_carry_the_time_that_the_attempt_has_taken(house: Any) -> None:
    stats = house.run(300, insert_batch=100)
    taken = [one.wall_s for one in house.sink.insert_batches]
    assert 0 < taken[0] < taken[1] < taken[2] < stats.counters.wall_s == stats.measured_s


def test_an_empty_batch_commits_nothing_and_succeeds(house: Any) -> None:
    stats = house.run(0)
    assert stats.counters.records_read == 0
    assert house.sink.insert_batches == []
    assert house.sink.closed == 1


def test_with_ordered_settlements_come_in_reading_order(house: Any) -> None:
    def uneven(record: Record) -> Rows:
        time.sleep(0.004 if record.key % 7 == 0 else 0)  # type: ignore[operator]
        return {}

    house.run(400, uneven, workers=4, ordered=True, reorder_window=20)
    assert [settlement.index for settlement in house.sink.settlements] == list(range(400))


def test_the_reorder_window_bounds_how_far_others_run_ahead(house: Any) -> None:
    ahead: list[int] = []
    first_may_end = threading.Event()

    def first_is_slow(record: Record) -> Rows:
        if record.key == 0:
            first_may_end.wait(5)
        else:
            ahead.append(int(record.key))
            if len(ahead) == 9:  # all that the window lets start
                threading.Timer(0.1, first_may_end.set).start()
            assert first_may_end.is_set() or int(record.key) < 10
        return {}

    stats = house.run(200, first_is_slow, workers=3, ordered=True, reorder_window=10)
    assert stats.counters.records_written == 200
    assert [settlement.index for settlement in house.sink.settlements] == list(range(200))


def test_workers_1_is_sequential_and_keeps_order(house: Any) -> None:
    at_work = threading.Lock()

    def alone(record: Record) -> Rows:
        assert at_work.acquire(blocking=False)
        at_work.release()
        return {}

    house.run(500, alone, workers=1)
    assert [settlement.key for settlement in house.sink.settlements] == list(range(500))


def test_workers_work_at_the_same_time(house: Any) -> None:
    meeting = threading.Barrier(4, timeout=5)

    def meet(record: Record) -> Rows:
        meeting.wait()
        return {}

    assert house.run(16, meet, workers=4).counters.records_written == 16


def test_each_error_of_a_transform_settles_its_record_and_no_other(house: Any) -> None:
    tries: dict[Any, int] = {}

    def judge(record: Record) -> Rows:
        tries[record.key] = tries.get(record.key, 0) + 1
        match record.key:
            case 10:
                raise RecordRejected("test.bad", "field x is bad")
            case 11:
                raise RecordSkipped("out_of_scope")
            case 12:
                int("a secret of the patient")
            case 13:
                raise TransientError("busy")
            case 14 if tries[14] == 1:
                raise TransientError("busy")
            case 15:
                raise MemoryError
            case 16:
                raise SystemExit(3)
        return {"t": [(1,), (2,)]}

    stats = house.run(10_000, judge, max_tries=3)
    settled = house.sink.by_key()
    assert len(settled) == 10_000
    assert (settled[10].outcome, settled[10].rows) == (Outcome.REJECTED, {})
    assert (settled[10].code, settled[10].message) == ("test.bad", "field x is bad")
    assert (settled[11].outcome, settled[11].rows, settled[11].code) == (Outcome.SKIPPED, None, "out_of_scope")
    assert (settled[12].code, settled[12].rows) == ("bug.ValueError", {})
    assert "test_run.py:" in settled[12].message
    assert "secret" not in settled[12].message
    assert (settled[13].code, settled[13].rows, settled[13].attempts) == ("gave_up.transient", None, 3)
    assert (settled[14].outcome, settled[14].attempts) == (Outcome.WRITTEN, 2)
    assert settled[15].code == "bug.MemoryError"
    assert settled[16].code == "bug.SystemExit"
    counters = stats.counters
    assert (counters.records_written, counters.records_rejected, counters.records_skipped) == (9994, 5, 1)
    assert counters.records_bugs == 3
    assert counters.retries == 3
    assert stats.rejected_by_code["bug.ValueError"] == 1
    assert stats.skipped_by_reason == {"out_of_scope": 1}


def test_a_transient_storm_with_retry_after_is_waited_out(house: Any) -> None:
    tries: dict[Any, int] = {}

    def stormy(record: Record) -> Rows:
        tries[record.key] = tries.get(record.key, 0) + 1
        if tries[record.key] < 3:
            raise TransientError("429", retry_after_s=0.005)
        return {}

    stats = house.run(200, stormy, workers=8, max_tries=5)
    assert stats.counters.records_written == 200
    assert stats.counters.retries == 400


def test_a_record_that_the_source_could_not_read_is_rejected_without_a_transform(
    house: Any, bad_value: RecordRejected
) -> None:
    seen = []

    def note(record: Record) -> Rows:
        seen.append(record.key)
        return {}

    house.run([Record(1, None), Record(2, None, fault=bad_value), Record(3, None)], note)
    settled = house.sink.by_key()
    assert sorted(seen) == [1, 3]
    assert (settled[2].outcome, settled[2].code, settled[2].rows) == (Outcome.REJECTED, "test.bad", {})


def test_resumed_records_are_dropped_and_counted_apart(house: Any, memory_of: Any) -> None:
    memory = memory_of({key: Prior(None, None, in_this_cycle=True) for key in range(0, 1000, 2)})
    stats = house.run(1000, memory=memory, ordered=True)
    assert sorted(house.sink.by_key()) == list(range(1, 1000, 2))
    assert [settlement.index for settlement in house.sink.settlements] == list(range(1, 1000, 2))
    assert (stats.counters.records_read, stats.counters.records_resumed) == (500, 500)


def test_a_newer_version_than_this_cycle_settled_is_done_again(house: Any, memory_of: Any) -> None:
    memory = memory_of({key: Prior("2024-05", None, in_this_cycle=True) for key in range(3)})
    stats = house.run(
        [Record(0, None, version="2024-04"), Record(1, None, version="2024-06"), Record(2, None, version="2024-05")],
        memory=memory,
    )
    assert list(house.sink.by_key()) == [1]
    assert (stats.counters.records_read, stats.counters.records_resumed) == (1, 2)


def test_look_ups_are_bounded_in_records_and_in_bytes(house: Any, memory_of: Any) -> None:
    memory = memory_of({})
    house.run(1000, memory=memory)
    assert sum(map(len, memory.asked)) == 1000
    assert max(map(len, memory.asked)) <= 200
    memory = memory_of({})
    house.run((Record(number, None, size=3 * 1024 * 1024) for number in range(2000, 2010)), memory=memory)
    assert max(map(len, memory.asked)) <= 2


def test_an_older_version_than_the_warehouses_is_skipped_a_newer_or_unknown_one_is_not(
    house: Any, memory_of: Any
) -> None:
    memory = memory_of({key: Prior("2024-05", None, in_this_cycle=False) for key in range(3)})
    house.run([Record(0, None, version="2024-04"), Record(1, None, version="2024-06"), Record(2, None)], memory=memory)
    outcomes = {key: (one.outcome, one.code) for key, one in house.sink.by_key().items()}
    assert outcomes[0] == (Outcome.SKIPPED, "older_version")
    assert outcomes[1] == outcomes[2] == (Outcome.WRITTEN, None)


@pytest.mark.parametrize("skip_unchanged", [True, False])
def test_the_unchanged_is_skipped_only_on_request(house: Any, memory_of: Any, skip_unchanged: bool) -> None:
    memory = memory_of({key: Prior(None, f"hash {key}", in_this_cycle=False) for key in (1, 2)})
    house.run(
        [Record(1, 1), Record(2, "changed"), Record(3, 3)],
        memory=memory,
        content_hash=lambda record: f"hash {record.payload}",
        skip_unchanged=skip_unchanged,
    )
    settled = house.sink.by_key()
    assert settled[1].code == ("unchanged" if skip_unchanged else None)
    assert {settled[key].outcome for key in (2, 3)} == {Outcome.WRITTEN}
    assert settled[2].content_hash == "hash changed"


def test_records_in_flight_are_bounded_while_the_sink_is_slow(house: Any) -> None:
    settled = 0
    most = 0

    def records() -> Iterator[Record]:
        nonlocal most
        for number in range(600):
            most = max(most, number - settled)
            yield Record(number, None, size=10)

    def count(insert_batch: Any) -> None:
        nonlocal settled
        time.sleep(0.005)
        settled += len(insert_batch.settlements)

    house.sink.before_commit = count
    house.run(records(), workers=2, in_flight=8, queue_records=20, insert_batch=10)
    assert most <= 8 + 20 + 10 + 1


def test_bytes_in_flight_are_bounded(house: Any, gate: threading.Event) -> None:
    at_work = threading.Semaphore(0)

    def hold(record: Record) -> Rows:
        at_work.release()
        gate.wait(5)
        return {}

    runner = threading.Thread(
        target=lambda: house.run(
            (Record(number, None, size=400) for number in range(10)), hold, workers=8, in_flight_bytes=1000
        )
    )
    runner.start()
    assert at_work.acquire(timeout=5)
    assert at_work.acquire(timeout=5)
    assert not at_work.acquire(timeout=0.1)
    gate.set()
    runner.join(5)
    assert len(house.sink.by_key()) == 10


def test_a_slow_record_does_not_hold_up_those_taken_along_with_it(house: Any, gate: threading.Event) -> None:
    others = threading.Event()
    seen: list[Any] = []

    def one_hangs(record: Record) -> Rows:
        if record.key == 500:
            assert gate.wait(5)
            return {}
        seen.append(record.key)
        if len(seen) == 999:
            others.set()
            gate.set()
        return {}

    stats = house.run(1000, one_hangs, workers=2)
    assert others.is_set()
    assert stats.counters.records_written == 1000


def test_progress_is_told_with_the_committed_counts(house: Any) -> None:
    told: list[Progress] = []
    house.sink.before_commit = lambda _: time.sleep(0.02)
    house.run(200, on_progress=told.append, progress_s=0.05, insert_batch=10)
    assert told
    assert [one.counters.records_written for one in told] == sorted(one.counters.records_written for one in told)
    assert all(later.elapsed_s - one.elapsed_s >= 0.05 for one, later in itertools.pairwise(told))
    assert told[-1].index == 3
    assert told[-1].counters.records_written > 0


def test_a_report_of_progress_that_fails_does_not_fail_the_batch(house: Any, caplog: Any) -> None:
    def broken(progress: Progress) -> None:
        raise ValueError("a secret of the patient")

    house.sink.before_commit = lambda _: time.sleep(0.02)
    stats = house.run(100, on_progress=broken, progress_s=0.05, insert_batch=10)
    assert stats.counters.records_written == 100
    assert "ValueError" in caplog.text
    assert "secret" not in caplog.text


def test_the_end_is_reported_once_with_the_same_counts(house: Any) -> None:
    stats = house.run(50)
    [(reported, error)] = house.ends
    assert error is None
    assert reported == stats


def test_records_do_not_wait_behind_a_source_that_blocks(house: Any) -> None:
    seen = threading.Semaphore(0)

    def in_bursts() -> Iterator[Record]:
        for burst in range(40):
            for number in range(4):
                yield Record(burst * 4 + number, None)
                time.sleep(0.0001)
            for _ in range(4):
                assert seen.acquire(timeout=2), "a record that was read is not transformed while the source blocks"

    def see(record: Record) -> Rows:
        seen.release()
        return {}

    assert house.run(in_bursts(), see, workers=2).counters.records_written == 160


@pytest.mark.parametrize("fails", [False, True])
def test_an_iterator_that_can_be_closed_is_closed(house: Any, fails: bool) -> None:
    class Cursor:
        closed = 0

        def __init__(self) -> None:
            self.left = 10

        def __iter__(self) -> Cursor:
            return self

        def __next__(self) -> Record:
            self.left -= 1
            if self.left < 0:
                raise StopIteration
            if fails and self.left == 5:
                raise FatalError("cut")
            return Record(self.left, None)

        def close(self) -> None:
            self.closed += 1

    cursor = Cursor()

    house.source.read = lambda _: cursor
    batch, settings = Batch(0, KeyRange(None, None), 10), EngineSettings()
    with pytest.raises(FatalError) if fails else contextlib.nullcontext():
        run_batch(batch, house.source, lambda _: {}, house.sink, settings, stop=house.stop)
    assert cursor.closed == 1


def test_the_source_is_closed_in_the_readers_thread(house: Any) -> None:
    house.run(10)
    assert house.source.closed_in.name == "headrace-reader"
    assert house.sink.closed == 1


def test_memory_does_not_grow_with_the_batch(house: Any) -> None:
    peaks = []
    house.sink.commit = lambda one: Receipt(written=len(one.settlements))
    for count in (5_000, 100_000):
        tracemalloc.start()
        stats = house.run(
            (Record(number, "x" * 100, size=100) for number in range(count)), lambda record: {"t": [(record.payload,)]}
        )
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert stats.counters.records_written == count
    # Between an empty and a full insert queue lies 1 MB; records that were kept would take 40.
    assert peaks[1] < peaks[0] + 3_000_000


@pytest.mark.parametrize("workers", [1, 3])
def test_a_worker_that_takes_many_short_records_at_a_time_holds_no_more_large_ones_than_the_queue_allows(
    house: Any, workers: int
) -> None:
    short, large = 2000, 20
    begun, committed = itertools.count(1), 0
    too_many = threading.Event()

    def transform(record: Record) -> Rows:
        # Those in the queue, the one that is being committed, and of each worker one at work and one to be put on.
        if record.size == MIB and next(begun) - committed > 8 + 1 + 2 * workers:
            too_many.set()
        return {}

    def commit(insert_batch: InsertBatch) -> None:
        nonlocal committed
        if insert_batch.settlements[0].size == MIB:
            too_many.wait(0.05)
            committed += 1

    house.sink.before_commit = commit
    records = (Record(number, None, size=1 if number < short else MIB) for number in range(short + large))
    limits = {"queue_bytes": 8 * MIB, "in_flight_bytes": 4096 * MIB, "insert_batch": 1}
    house.run(records, transform, workers=workers, **limits)
    assert committed == large
    assert not too_many.is_set()
