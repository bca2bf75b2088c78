from __future__ import annotations

import math

from include.pipelines.csv.quota.breaker import CircuitBreaker


def breaker() -> CircuitBreaker:
    return CircuitBreaker(calls=4, share=0.5, open_s=10, open_max_s=25)


def broken() -> CircuitBreaker:
    made = breaker()
    for _ in range(4):
        made.bad(0.0, probe=made.begin())
    return made


def test_it_opens_when_the_share_of_the_last_calls_failed_and_not_before_there_were_so_many() -> None:
    made = breaker()
    for failed in (True, True, True):
        made.bad(0.0, probe=failed and made.begin())
    assert made.is_closed
    made.good(probe=False)
    assert made.is_closed
    made.bad(0.0, probe=False)
    assert made.wait_s(0.0) == 10


def test_failures_below_the_share_leave_it_closed() -> None:
    made = breaker()
    for number in range(40):
        if number % 4 == 0:
            made.bad(0.0, probe=False)
        else:
            made.good(probe=False)
    assert made.is_closed


def test_after_its_time_one_call_probes_and_the_others_wait_for_it() -> None:
    made = broken()
    assert made.wait_s(4.0) == 6
    assert made.wait_s(10.0) == 0
    assert made.begin()
    assert made.wait_s(10.0) == math.inf


def test_a_probe_that_answers_closes_it_and_the_past_is_forgotten() -> None:
    made = broken()
    made.good(probe=made.begin())
    assert made.is_closed
    made.bad(20.0, probe=False)
    assert made.is_closed


def test_a_probe_that_fails_doubles_the_time_up_to_the_bound() -> None:
    made = broken()
    waits = []
    for _ in range(3):
        made.bad(100.0, probe=made.begin())
        waits.append(made.wait_s(100.0))
    assert waits == [20, 25, 25]


def test_a_probe_that_was_given_up_leaves_the_next_call_to_probe() -> None:
    made = broken()
    made.unknown(30.0, probe=made.begin())
    assert made.wait_s(30.0) == 0
    assert not made.is_closed


def test_answers_to_calls_from_before_it_opened_change_nothing() -> None:
    made = broken()
    made.good(probe=False)
    made.bad(5.0, probe=False)
    assert made.wait_s(0.0) == 10
