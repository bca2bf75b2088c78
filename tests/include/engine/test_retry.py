from __future__ import annotations

import pytest

from include.engine.abort import Abort, Aborted
from include.engine.errors import TransientError
from include.engine.retry import RetryPolicy


class Attempts:
    """Fails some times, then succeeds; keeps what it slept."""

    def __init__(self, failures: int, retry_after_s: float | None = None) -> None:
        self.failures = failures
        self.retry_after_s = retry_after_s
        self.tries = 1
        self.slept: list[float] = []

    @property
    def error(self) -> TransientError:
        return TransientError("busy", self.retry_after_s)

    def __call__(self) -> str:
        self.tries += 1
        if self.tries <= self.failures:
            raise self.error
        return "done"


def test_it_tries_until_it_succeeds() -> None:
    attempts = Attempts(3)
    assert RetryPolicy(5, 1, 60, 1000).again(attempts, attempts.error, attempts.slept.append) == "done"
    assert attempts.tries == 4
    assert len(attempts.slept) == 3


def test_tries_are_bounded_and_the_last_error_surfaces() -> None:
    attempts = Attempts(99)
    with pytest.raises(TransientError, match="busy"):
        RetryPolicy(4, 1, 60, 1000).again(attempts, attempts.error, attempts.slept.append)
    assert attempts.tries == 4


def test_one_try_means_no_second() -> None:
    attempts = Attempts(99)
    with pytest.raises(TransientError):
        RetryPolicy(1, 1, 60, 1000).again(attempts, attempts.error, attempts.slept.append)
    assert (attempts.tries, attempts.slept) == (1, [])


def test_waits_grow_with_jitter_up_to_their_bound() -> None:
    attempts = Attempts(12)
    RetryPolicy(20, 1, 10, 1e9).again(attempts, attempts.error, attempts.slept.append)
    for number, slept in enumerate(attempts.slept):
        assert 0 <= slept <= min(10, 2 * 2**number)
    assert len(set(attempts.slept)) > 6


def test_the_other_sides_wait_is_obeyed_up_to_the_bound() -> None:
    attempts = Attempts(1, retry_after_s=7)
    RetryPolicy(3, 0.5, 60, 1000).again(attempts, attempts.error, attempts.slept.append)
    assert 7 <= attempts.slept[0] <= 7.5
    attempts = Attempts(1, retry_after_s=7000)
    RetryPolicy(3, 0.5, 60, 1000).again(attempts, attempts.error, attempts.slept.append)
    assert attempts.slept == [60]


def test_a_wait_has_a_shortest_length_where_none_is_asked_for() -> None:
    attempts = Attempts(8)
    RetryPolicy(9, 1, 10, 1e9, min_wait_s=2).again(attempts, attempts.error, attempts.slept.append)
    for number, slept in enumerate(attempts.slept):
        assert 2 <= slept <= min(10, 2 * 2**number)
    attempts = Attempts(1, retry_after_s=0)
    RetryPolicy(3, 0, 10, 1e9, min_wait_s=2).again(attempts, attempts.error, attempts.slept.append)
    assert attempts.slept == [0]


def test_a_wait_that_is_asked_for_may_be_longer_than_our_own() -> None:
    policy = RetryPolicy(3, 0, 10, 1e9, max_asked_s=60)
    for asked_s, slept_s in [(30, 30), (90, 60)]:
        attempts = Attempts(1, retry_after_s=asked_s)
        policy.again(attempts, attempts.error, attempts.slept.append)
        assert attempts.slept == [slept_s]


def test_no_try_begins_after_the_total_time() -> None:
    attempts = Attempts(99, retry_after_s=30)
    with pytest.raises(TransientError):
        RetryPolicy(99, 0, 60, 20).again(attempts, attempts.error, attempts.slept.append)
    assert (attempts.tries, attempts.slept) == (1, [])


def test_the_end_of_the_batch_interrupts_a_wait_at_once() -> None:
    abort = Abort()
    attempts = Attempts(99, retry_after_s=60)
    abort.fail(OSError())
    with pytest.raises(Aborted):
        RetryPolicy(3, 1, 60, 1000).again(attempts, attempts.error, abort.pause)


def test_other_errors_are_not_tried_again() -> None:
    def broken() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        RetryPolicy(9, 0, 0, 1000).again(broken, TransientError("busy"), lambda _: None)
