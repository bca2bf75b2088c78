"""Worker processes: killed, crashed, recycled, and never left behind."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from include.engine import process_worker
from include.engine.abort import Abort
from include.engine.errors import BatchStopped, FatalError, SettingsError
from include.engine.model import Outcome, Prior, Record
from include.engine.process_transform import ProcessTransform
from include.engine.process_worker import ProcessWorker
from tests.include.engine.child_transforms import marked_as_fitted
from tests.include.engine.conftest import DictMemory

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


def children() -> set[int]:
    """Processes of this one that run (a zombie does not)."""
    found = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid() and fields[0] != "Z":
            found.add(int(status.parent.name))
    return found


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture(autouse=True)
def none_left_behind(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(HERE)
    before = children()
    yield
    assert children() <= before


def obedient(**options: Any) -> ProcessTransform:
    return ProcessTransform(factory="child_transforms:obedient", **options)


def told(*orders: str) -> list[Record]:
    return [Record(number, order) for number, order in enumerate(orders)]


def test_records_are_transformed_in_processes_of_their_own(house: Any) -> None:
    transform = ProcessTransform(factory="child_transforms:one_row", config={"word": "yes"})
    stats = house.run(200, transform, worker_kind="processes", workers=2)
    rows = [one.rows["t"][0] for one in house.sink.settlements]
    assert sorted(key for key, _, _ in rows) == list(range(200))
    assert {word for _, _, word in rows} == {"yes"}
    assert os.getpid() not in {pid for _, pid, _ in rows}
    assert stats.counters.records_written == 200
    assert not stats.degraded


def test_errors_cross_the_border_with_their_meaning(house: Any) -> None:
    records = told("reject", "skip", "transient", "bug", "print", "unpicklable", "big", "")
    stats = house.run(records, obedient(), worker_kind="processes", workers=1, max_tries=2)
    settled = house.sink.by_key()
    assert [settled[key].code for key in range(4)] == [
        "test.bad",
        "out_of_scope",
        "gave_up.transient",
        "bug.ValueError",
    ]
    assert "secret" not in settled[3].message
    assert "child_transforms.py:" in settled[3].message
    assert settled[4].outcome is Outcome.WRITTEN
    assert settled[5].code.startswith("bug.")
    assert len(settled[6].rows["t"][0][2]) == 3_000_000
    assert settled[7].outcome is Outcome.WRITTEN
    assert stats.workers_restarted == 0


def test_a_payload_that_cannot_cross_is_a_bug_of_its_record_alone(house: Any) -> None:
    house.run([Record(0, lambda: None), Record(1, "")], obedient(), worker_kind="processes", workers=1)
    settled = house.sink.by_key()
    assert settled[0].code.startswith("bug.")
    assert settled[1].outcome is Outcome.WRITTEN


def test_a_fatal_error_in_a_process_ends_the_batch(house: Any) -> None:
    with pytest.raises(FatalError, match="licence"):
        house.run(told("", "fatal", ""), obedient(), worker_kind="processes", workers=2)


@pytest.mark.parametrize(
    ("order", "how", "restarts"),
    [("segfault", "SIGSEGV", 2), ("abort", "SIGABRT", 2), ("exit", "exit code 7", 1), ("sys.exit", "exit code 9", 1)],
)
def test_a_crash_rejects_its_record_and_the_process_is_started_again(
    house: Any, order: str, how: str, restarts: int
) -> None:
    stats = house.run(told("", order, "", ""), obedient(), worker_kind="processes", workers=1)
    settled = house.sink.by_key()
    assert (settled[1].code, settled[1].rows) == ("worker.crashed", None)
    assert how in settled[1].message
    assert [settled[key].outcome for key in (0, 2, 3)] == [Outcome.WRITTEN] * 3
    assert stats.workers_restarted == restarts


def test_a_process_that_is_killed_from_outside_costs_no_record(house: Any, tmp_path: Path) -> None:
    transform = ProcessTransform(factory="child_transforms:killed_once", config={"folder": str(tmp_path)})
    stats = house.run(told(*["killed", ""] * 3), transform, worker_kind="processes", workers=1)
    assert {one.outcome for one in house.sink.by_key().values()} == {Outcome.WRITTEN}
    assert len(house.sink.settlements) == 6
    assert stats.workers_restarted == 3


def test_memory_beyond_the_limit_ends_the_process_not_the_batch(house: Any) -> None:
    transform = obedient(memory_limit_bytes=1024**3)
    house.run(told("memory", ""), transform, worker_kind="processes", workers=1)
    settled = house.sink.by_key()
    assert settled[0].code == "worker.crashed"
    assert "memory limit" in settled[0].message
    assert settled[1].outcome is Outcome.WRITTEN


def test_a_native_library_that_meets_the_limit_aborts_and_the_reject_names_the_limit(house: Any) -> None:
    house.run(told("abort"), obedient(memory_limit_bytes=1024**3), worker_kind="processes", workers=1)
    (settled,) = house.sink.settlements
    assert "SIGABRT, as by a native library that meets the memory limit of 1073741824 bytes" in settled.message


def test_an_overdue_process_is_killed_and_its_record_rejected(house: Any) -> None:
    stats = house.run(told("", "hang", "", ""), obedient(), worker_kind="processes", workers=1, record_timeout_s=0.5)
    settled = house.sink.by_key()
    assert (settled[1].code, settled[1].rows) == ("timeout.transform", None)
    assert [settled[key].outcome for key in (0, 2, 3)] == [Outcome.WRITTEN] * 3
    assert (stats.workers_abandoned, stats.workers_restarted) == (0, 1)


def test_a_process_is_recycled_after_its_share(house: Any) -> None:
    house.run(told(*[""] * 9), obedient(recycle_after=3), worker_kind="processes", workers=1)
    pids = [one.rows["t"][0][1] for one in house.sink.settlements]
    assert len(set(pids)) == 3


def test_rows_are_fitted_in_the_process_that_made_them(house: Any) -> None:
    house.run(told(*[""] * 5), obedient(), worker_kind="processes", workers=1, fit=marked_as_fitted)
    settled = house.sink.by_key()
    assert settled[3].code == "fit.too_long"
    assert all(row[1] == row[-1] != os.getpid() for key, one in settled.items() if key != 3 for row in one.rows["t"])


def test_rows_are_fitted_in_the_task_where_the_transform_says_so(house: Any) -> None:
    spec = obedient(fits_itself=False)
    house.run(told(*[""] * 5), spec, worker_kind="processes", workers=1, fit=marked_as_fitted)
    settled = house.sink.by_key()
    assert settled[3].code == "fit.too_long"
    assert all(row[1] != row[-1] == os.getpid() for key, one in settled.items() if key != 3 for row in one.rows["t"])


@pytest.mark.parametrize("order", ["segfault", "hang", "reject", "transient", "unpicklable", "poison"])
@pytest.mark.parametrize("ordered", [False, True])
def test_a_bad_record_among_many_that_are_under_way_costs_one(house: Any, order: str, *, ordered: bool) -> None:
    orders = [order if number in (100, 101, 150) else "" for number in range(300)]
    options = {"worker_kind": "processes", "workers": 1, "record_timeout_s": 0.5, "max_tries": 2, "ordered": ordered}
    house.run(told(*orders), obedient(), **options)
    settled = house.sink.by_key()
    assert len(settled) == 300
    assert [key for key, one in settled.items() if one.outcome is Outcome.REJECTED] == [100, 101, 150]
    assert "secret" not in str([one.message for one in settled.values()])
    if ordered:
        assert list(settled) == list(range(300))


def test_what_waits_behind_a_slow_record_goes_to_another_process(house: Any) -> None:
    orders = ["slow" if number == 100 else "" for number in range(400)]
    house.run(told(*orders), obedient(), worker_kind="processes", workers=2)
    order_of_settling = [one.key for one in house.sink.settlements]
    assert sorted(order_of_settling) == list(range(400))
    assert order_of_settling[-1] == 100


def test_a_record_that_hangs_in_two_processes_is_still_one_reject(house: Any) -> None:
    """It was under way to the first when a slow one held that up, and was handed to the second."""
    orders = [*[""] * 100, "slow", "hang", *[""] * 199]
    house.run(told(*orders), obedient(), worker_kind="processes", workers=2, record_timeout_s=1.0)
    settled = house.sink.by_key()
    assert len(settled) == 301
    assert [(key, one.code) for key, one in settled.items() if one.outcome is Outcome.REJECTED] == [
        (101, "timeout.transform")
    ]


def test_what_is_taken_back_is_not_worked_but_for_the_one_at_work(tmp_path: Path) -> None:
    spec = ProcessTransform(factory="child_transforms:waiting", config={"folder": str(tmp_path)})
    with closing(ProcessWorker(spec, 60, Abort())) as worker:
        worker.launch()
        worker.await_ready(lambda: None)
        assert all(worker.expect(Record(number, payload=number == 0)) for number in range(8))
        while not (tmp_path / "begun").exists():
            time.sleep(0.01)

        worker.drop_ahead()
        (tmp_path / "go").touch()

        assert worker(Record(99, False)) == {"t": [(99,)]}
        assert (tmp_path / "begun").read_text().split() == ["0", "99"]


def test_what_is_handed_back_settles_once(house: Any) -> None:
    orders = ["slow" if number >= 1000 else "" for number in range(1006)]
    house.run(told(*orders), obedient(), worker_kind="processes", workers=2)
    assert len(house.sink.by_key()) == 1006


def test_a_process_is_recycled_also_where_records_were_handed_back(house: Any, tmp_path: Path) -> None:
    transform = ProcessTransform(
        factory="child_transforms:counting", config={"folder": str(tmp_path)}, recycle_after=100
    )
    records = [Record(number, 0.1 if number % 97 == 0 else 0.0) for number in range(1000)]
    house.run(records, transform, worker_kind="processes", workers=2)
    assert len(house.sink.by_key()) == 1000
    assert max(len(path.read_text().split()) for path in tmp_path.iterdir()) <= 100


def test_large_records_cross_both_ways_without_waiting_for_each_other(house: Any) -> None:
    records = [Record(number, "big" + "x" * 1_000_000, size=1_000_000) for number in range(12)]
    house.run(records, ProcessTransform(factory="child_transforms:echo"), worker_kind="processes", workers=1)
    assert sum(len(one.rows["t"][0][1]) for one in house.sink.settlements) == 12 * 1_000_003


def test_a_small_record_of_many_rows_fills_the_insert_queue_as_its_rows_do(house: Any) -> None:
    records = [Record(0, "big", size=10), Record(1, "", size=5_000)]
    house.run(records, obedient(), worker_kind="processes", workers=1)
    settled = house.sink.by_key()
    assert 3_000_000 < settled[0].size < 3_001_000
    assert settled[1].size == 5_000


def test_an_unchanged_record_never_goes_to_a_process(house: Any) -> None:
    memory = DictMemory({key: Prior(None, f"hash {key}", in_this_cycle=False) for key in range(50)})
    orders = ["segfault" if number < 50 else "" for number in range(100)]
    stats = house.run(
        told(*orders),
        obedient(),
        worker_kind="processes",
        workers=1,
        memory=memory,
        content_hash=lambda record: f"hash {record.key}",
        skip_unchanged=True,
    )
    assert (stats.counters.records_skipped, stats.counters.records_written) == (50, 50)
    assert stats.workers_restarted == 0


def test_stop_ends_processes_that_hang(house: Any) -> None:
    threading.Timer(1.0, house.stop.set).start()
    started = time.monotonic()
    with pytest.raises(BatchStopped):
        house.run(told("hang", "hang"), obedient(), worker_kind="processes", workers=2)
    assert time.monotonic() - started < 4
    assert house.sink.settlements == []


def test_where_processes_do_not_start_the_batch_runs_sequentially_and_says_so(
    house: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    with caplog.at_level(logging.WARNING):
        stats = house.run(told("", ""), obedient(), worker_kind="processes", workers=3)
    assert {one.rows["t"][0][1] for one in house.sink.settlements} == {os.getpid()}
    assert stats.degraded
    assert len(stats.worker_busy_s) == 1
    assert "sequentially" in caplog.text


def test_a_process_that_ends_before_it_is_ready_counts_as_not_starting(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert house.run(told("", ""), obedient(), worker_kind="processes", workers=2).degraded


@pytest.mark.parametrize("factory", ["child_transforms:broken_factory", "child_transforms:missing", "no.such:thing"])
def test_a_factory_that_fails_is_a_mistake_of_the_settings(house: Any, factory: str) -> None:
    with pytest.raises(SettingsError, match=factory.split(":", maxsplit=1)[0]) as caught:
        house.run(3, ProcessTransform(factory=factory), worker_kind="processes", workers=1)
    assert "secret" not in str(caught.value)


def test_a_named_transform_runs_in_threads_too(house: Any) -> None:
    house.run(told("", "reject"), obedient(), workers=2)
    assert {one.rows["t"][0][1] for one in house.sink.settlements if one.rows} == {os.getpid()}


def test_siblings_do_not_hold_each_others_ends(house: Any) -> None:
    """A sibling that held a life pipe's write end would keep a process alive after its parent."""
    first = process_worker.ProcessWorker(obedient(), None, house_abort())
    second = process_worker.ProcessWorker(obedient(), None, house_abort())
    for worker in (first, second):
        worker.launch()
        worker.await_ready(lambda: None)
    try:
        assert first._process
        assert second._process
        # Nor do they share the parent's group: a signal to that would read as their crash.
        assert os.getpgid(first._process.pid) not in (os.getpgid(0), os.getpgid(second._process.pid))
        held = {fd.readlink() for fd in Path(f"/proc/{second._process.pid}/fd").iterdir()}
        assert Path(f"/proc/self/fd/{first._life_fd}").readlink() not in held
        os.close(first._life_fd)
        first._life_fd = -1
        first._process.wait(2)
    finally:
        first.close()
        second.close()


def house_abort() -> Any:
    return process_worker.Abort()


PARENT = """
import sys, threading
sys.path.insert(0, sys.argv[1])
from include.engine.model import Batch, KeyRange, Receipt, Record
from include.engine.process_transform import ProcessTransform
from include.engine.run import run_batch
from include.engine.settings import EngineSettings

class Source:
    def read(self, batch):
        for key in range(10):
            yield Record(key, None)

class Sink:
    def commit(self, insert_batch): return Receipt(written=len(insert_batch.settlements))
    def reset(self): pass
    def close(self): pass

transform = ProcessTransform(factory="child_transforms:holds_the_lock", config={"folder": sys.argv[2]})
settings = EngineSettings(worker_kind="processes", workers=2)
run_batch(Batch(0, KeyRange(None, None), 10), Source(), transform, Sink(), settings, stop=threading.Event())
"""


def test_a_killed_parent_leaves_no_process_not_even_one_that_hangs_with_the_interpreters_lock(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PARENT), str(HERE), str(tmp_path)], env=environment
    )
    try:
        deadline = time.monotonic() + 20
        while len(pids := [int(path.name) for path in tmp_path.iterdir()]) < 2:
            assert time.monotonic() < deadline
            assert parent.poll() is None
            time.sleep(0.02)
        assert all(runs(pid) for pid in pids)
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    deadline = time.monotonic() + 2
    while any(runs(pid) for pid in pids):
        assert time.monotonic() < deadline, "a worker process outlived its parent"
        time.sleep(0.02)


def test_an_answer_for_which_there_is_no_memory_costs_its_record_and_the_process_is_replaced(house: Any) -> None:
    records = [Record(number, "garble" if number == 100 else None, size=10) for number in range(300)]
    stats = house.run(
        records, ProcessTransform(factory="child_transforms:obedient"), worker_kind="processes", workers=1
    )
    settled = house.sink.by_key()
    assert stats.counters.records_written == 299
    assert (settled[100].outcome, settled[100].code) == (Outcome.REJECTED, "worker.crashed")
    assert stats.workers_restarted == 1
