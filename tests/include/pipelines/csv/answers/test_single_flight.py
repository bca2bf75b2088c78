from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from include.connections.http.clock import Clock
from include.engine.errors import BatchStopped, TransientError
from include.pipelines.csv.answers.single_flight import SingleFlight
from include.pipelines.csv.quota.deadline import Deadline
from include.pipelines.csv.quota.gate import DeadlinePassed

FAR = Deadline(Clock(threading.Event()), float("inf"))


class Calls:
    """Counts calls; each waits until `others` rows have come for the same, and fails as often as it is told."""

    def __init__(self, failures: int = 0) -> None:
        self.begun = 0
        self.go = threading.Event()
        self._failures = failures

    def __call__(self) -> str:
        self.begun += 1
        assert self.go.wait(10)
        if self._failures:
            self._failures -= 1
            raise TransientError("busy")
        return "paid"


def test_twenty_rows_that_want_the_same_get_the_value_of_one_call() -> None:
    flights, calls = SingleFlight(Clock(threading.Event())), Calls()
    with ThreadPoolExecutor(20) as pool:
        rows = [pool.submit(flights.fly, "acme", calls, FAR)]
        while not calls.begun:
            pass
        never = Calls()
        rows += [pool.submit(flights.fly, "acme", never, FAR) for _ in range(19)]
        flight = flights._flights["acme"]
        while len(flight.landed._cond._waiters) < 19:  # type: ignore[attr-defined]
            pass
        calls.go.set()
        assert [row.result(10) for row in rows] == ["paid"] * 20
    assert (calls.begun, never.begun) == (1, 0)


def test_a_call_that_fails_lets_the_next_row_lead_and_fails_its_own_row_only() -> None:
    flights, calls = SingleFlight(Clock(threading.Event())), Calls(failures=2)
    calls.go.set()
    with ThreadPoolExecutor(6) as pool:
        rows = [pool.submit(flights.fly, "acme", calls, FAR) for _ in range(6)]
        errors = [row.exception(10) for row in rows]
    assert sum(isinstance(error, TransientError) for error in errors) == 2
    assert errors.count(None) == 4


def test_different_keys_do_not_wait_for_each_other() -> None:
    flights, calls = SingleFlight(Clock(threading.Event())), Calls()
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(flights.fly, "acme", calls, FAR)
        while not calls.begun:
            pass
        assert flights.fly("other", lambda: "quick", FAR) == "quick"
        calls.go.set()
        assert slow.result(10) == "paid"


def test_what_the_row_that_leads_is_lent_while_it_waits_for_another_task_is_lent_to_those_that_wait_for_it() -> None:
    clock = Clock(threading.Event())
    flights, calls = SingleFlight(clock), Calls()
    leader, follower = Deadline(clock, 60), Deadline(clock, 60)
    leader.lend(1000)  # before the other row came: none of its waiting
    with ThreadPoolExecutor(2) as pool:
        rows = [pool.submit(flights.fly, "acme", calls, leader)]
        while not calls.begun:
            pass
        rows += [pool.submit(flights.fly, "acme", Calls(), follower)]
        flight = flights._flights["acme"]
        while not flight.landed._cond._waiters:  # type: ignore[attr-defined]
            pass
        leader.lend(500)
        while follower.lent_s < 500:
            pass
        calls.go.set()
        assert [row.result(10) for row in rows] == ["paid"] * 2
    assert 500 < follower.left_s() <= 560


def test_a_row_waits_for_another_no_longer_than_its_deadline_or_a_stop() -> None:
    stop, calls = threading.Event(), Calls()
    clock = Clock(stop)
    flights = SingleFlight(clock)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(flights.fly, "acme", calls, FAR)
        while not calls.begun:
            pass
        with pytest.raises(DeadlinePassed, match="another row's call"):
            flights.fly("acme", lambda: "never", Deadline(clock, 0.01))
        stop.set()
        with pytest.raises(BatchStopped):
            flights.fly("acme", lambda: "never", FAR)
        calls.go.set()
        slow.result(10)
