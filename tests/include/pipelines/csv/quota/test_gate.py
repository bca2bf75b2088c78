from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from include.connections.http.clock import Clock
from include.engine.errors import BatchStopped, RecordRejected
from include.pipelines.csv.quota.admission import Outcome
from include.pipelines.csv.quota.deadline import Deadline
from include.pipelines.csv.quota.gate import DeadlinePassed, Gate, QuotaUsedUp
from include.pipelines.csv.quota.settings import EndpointSettings

FAR = Deadline(Clock(threading.Event()), float("inf"))


def gate(stop: threading.Event | None = None, **settings: object) -> Gate:
    told = EndpointSettings.model_validate({"name": "model", **settings})
    return Gate(told, Clock(stop or threading.Event()))


def break_circuit(door: Gate) -> None:
    for entered in [door.enter(0, FAR) for _ in range(4)]:
        door.end(entered, Outcome.FAILED)


def test_no_more_calls_are_open_than_may_be_and_every_thread_gets_its_turn() -> None:
    door, lock = gate(concurrency=3), threading.Lock()
    now_open, most, turns = 0, 0, 0

    def call(_: int) -> None:
        nonlocal now_open, most, turns
        entered = door.enter(1, FAR)
        with lock:
            now_open += 1
            most, turns = max(most, now_open), turns + 1
        with lock:
            now_open -= 1
        door.end(entered, Outcome.ANSWERED)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(call, range(400)))
    assert turns == 400
    assert most <= 3


def test_threads_come_in_as_they_came() -> None:
    door = gate(concurrency=1)
    first, came = door.enter(0, FAR), []

    def call(number: int) -> None:
        entered = door.enter(0, FAR)
        came.append(number)
        door.end(entered, Outcome.ANSWERED)

    threads = []
    for number in range(5):
        thread = threading.Thread(target=call, args=(number,))
        thread.start()
        threads.append(thread)
        while len(door._line) <= number:
            pass
    door.end(first, Outcome.ANSWERED)
    for thread in threads:
        thread.join()
    assert came == list(range(5))


def test_a_row_whose_time_is_over_does_not_wait_on_and_the_next_comes_first() -> None:
    door = gate(concurrency=1)
    entered = door.enter(0, FAR)
    with pytest.raises(DeadlinePassed, match="model: the row's time was over before a call could go"):
        door.enter(0, Deadline(Clock(threading.Event()), 0.01))
    door.end(entered, Outcome.ANSWERED)
    door.end(door.enter(0, FAR), Outcome.ANSWERED)


def test_a_stop_reaches_all_who_wait() -> None:
    stop = threading.Event()
    door = gate(stop, concurrency=1)
    door.enter(0, FAR)
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(door.enter, 0, FAR) for _ in range(8)]
        while len(door._line) < 8:
            pass
        stop.set()
        assert [type(each.exception(5)) for each in waiting] == [BatchStopped] * 8


def test_an_open_circuit_rejects_at_once_where_rows_are_not_to_wait() -> None:
    door = gate(breaker_calls=4, on_open="reject")
    break_circuit(door)
    with pytest.raises(RecordRejected, match=r"csv\.circuit_open: model: the service fails"):
        door.enter(0, FAR)


def test_an_open_circuit_makes_rows_wait_and_one_that_probes_well_lets_them_in() -> None:
    door = gate(breaker_calls=4, open_s=0.01)
    break_circuit(door)
    probe = door.enter(0, FAR)
    assert probe.probe
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(door.enter, 0, FAR) for _ in range(2)]
        door.end(probe, Outcome.ANSWERED)
        assert [each.result(5).probe for each in waiting] == [False, False]


def test_a_row_waits_for_an_open_circuit_no_longer_than_its_deadline() -> None:
    door = gate(breaker_calls=4, open_s=600, open_max_s=600)
    break_circuit(door)
    with pytest.raises(DeadlinePassed):
        door.enter(0, Deadline(Clock(threading.Event()), 0.01))


def test_while_a_quota_keeps_the_first_back_the_deadlines_of_all_in_line_stand_still(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("include.pipelines.csv.quota.settings.MINUTE_S", 0.5)
    door = gate(requests_per_minute=1)

    def call(_: int) -> None:
        deadline = Deadline(Clock(threading.Event()), 1.0)
        with deadline.beside(door.stood_s):
            door.end(door.enter(0, deadline), Outcome.ANSWERED)
        assert 0 < deadline.left_s() < 1

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(call, range(4)))  # the last waits for three windows
    assert door.stood_s() > 1


def test_a_quota_that_is_used_up_for_longer_than_rows_wait_is_named_at_once() -> None:
    door = gate(requests_per_day=8, tasks=2)
    for entered in [door.enter(0, FAR) for _ in range(4)]:
        door.end(entered, Outcome.ANSWERED)
    with pytest.raises(
        QuotaUsedUp, match=r"model: requests_per_day is used up \(this task's share is 4\).*in about 86,"
    ):
        door.enter(0, Deadline(Clock(threading.Event()), 300, 3600))


def test_a_quota_that_only_open_calls_hold_is_not_used_up() -> None:
    door = gate(tokens_per_day=100)
    door.spent_before(70_000, 86_400, 0, 30)
    first = door.enter(60, FAR)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(door.enter, 20, Deadline(Clock(threading.Event()), 300, 3600))
        while not door._line and not waiting.done():
            pass
        door.end(first, Outcome.ANSWERED, 9)
        assert waiting.result(10).tokens == 20


def test_a_row_that_has_waited_for_quotas_as_long_as_it_may_waits_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("include.pipelines.csv.quota.settings.MINUTE_S", 0.3)
    door = gate(requests_per_minute=1)
    deadline = Deadline(Clock(threading.Event()), 60, 0.5)
    with deadline.beside(door.stood_s):
        for _ in range(2):
            door.end(door.enter(0, deadline), Outcome.ANSWERED)
        with pytest.raises(QuotaUsedUp):
            door.enter(0, deadline)
