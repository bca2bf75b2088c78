from __future__ import annotations

import threading

import pytest

from include.connections.http.clock import Clock
from include.pipelines.csv.quota.deadline import Deadline


class SetClock(Clock):
    """Goes when it is told to."""

    def __init__(self) -> None:
        super().__init__(threading.Event())
        self.moment = 100.0

    def monotonic(self) -> float:
        return self.moment


def test_a_deadline_comes_nearer_but_for_the_time_in_which_a_quota_stood() -> None:
    clock, stood = SetClock(), [7.0]
    deadline = Deadline(clock, 10.0)
    clock.moment += 1
    with deadline.beside(lambda: stood[0]):
        clock.moment += 5
        stood[0] += 4
        assert deadline.left_s() == 8
    stood[0] += 50
    assert deadline.left_s() == 8
    clock.moment += 8
    assert deadline.left_s() == 0


def test_all_that_a_row_waits_for_counts_against_its_patience_and_no_more_of_it_is_granted() -> None:
    clock, stood = SetClock(), [0.0]
    deadline = Deadline(clock, 10.0, 6.0)
    for _ in range(2):
        with deadline.beside(lambda: stood[0]):
            stood[0] += 2
            assert deadline.patience_left_s() == pytest.approx(6 - stood[0])
    deadline.lend(5.0)
    assert deadline.patience_left_s() == 0
    assert deadline.left_s() == 16


def test_what_was_lent_too_much_is_taken_back_and_counts_against_no_patience() -> None:
    deadline = Deadline(SetClock(), 10.0, 6.0)
    deadline.lend(4.0)
    deadline.lend(-3.0)
    assert (deadline.left_s(), deadline.patience_left_s(), deadline.lent_s) == (11, 5, 1)
