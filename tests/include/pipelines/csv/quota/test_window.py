from __future__ import annotations

import heapq
import math

from hypothesis import given
from hypothesis import strategies as st

from include.pipelines.csv.quota.window import GUARD, SLICES, TOLD, SlidingWindow
from include.sandbox.web_apis_quotas import most_in_any_window

WINDOW_S = 60.0
LONGEST_S = WINDOW_S * GUARD + WINDOW_S / SLICES


@given(
    limit=st.integers(1, 30),
    calls=st.lists(
        st.tuples(
            st.integers(1, 12),  # amount
            st.floats(0, 40),  # pause before it is wanted
            st.floats(0, 30),  # latency
            st.floats(0, 1),  # when within its latency the service counts it
        ),
        max_size=60,
    ),
)
def test_whenever_calls_arrive_the_service_sees_no_more_than_the_quota_in_any_window(
    limit: int, calls: list[tuple[int, float, float, float]]
) -> None:
    window, now = SlidingWindow(limit, WINDOW_S), 1000.0
    seen: list[tuple[float, int]] = []
    open_calls: list[tuple[float, int]] = []

    def end_until(moment: float) -> None:
        while open_calls and open_calls[0][0] <= moment:
            ended, amount = heapq.heappop(open_calls)
            window.settle(ended, amount, amount)

    for amount, pause_s, latency_s, share in calls:
        now += pause_s
        end_until(now)
        if amount > limit:
            assert window.wait_s(now, amount) == math.inf
            continue
        while (wait_s := window.wait_s(now, amount)) > 0:
            now = now + wait_s if math.isfinite(wait_s) else open_calls[0][0]
            end_until(now)
        window.hold(amount)
        heapq.heappush(open_calls, (now + latency_s, amount))
        seen.append((now + share * latency_s, amount))
    assert most_in_any_window(seen, WINDOW_S) <= limit


@given(st.lists(st.floats(0, 3), min_size=1, max_size=200))
def test_what_was_used_is_free_again_one_window_and_one_slice_later_at_most(pauses: list[float]) -> None:
    window, now = SlidingWindow(10**9, WINDOW_S), 0.0
    for pause_s in pauses:
        now += pause_s
        window.spend(now, 1)
    later = now + LONGEST_S + 1e-6
    assert window.wait_s(later, 10**9) == 0


def test_a_million_calls_take_no_more_entries_than_slices() -> None:
    window = SlidingWindow(10**9, WINDOW_S)
    for number in range(20_000):
        window.spend(number * WINDOW_S / 10_000, 50)
    assert len(window._spent) <= SLICES + 2


def test_a_call_that_is_open_counts_until_it_ends_and_what_it_did_not_use_is_given_back() -> None:
    window = SlidingWindow(100, WINDOW_S)
    window.hold(100)
    assert window.wait_s(500.0, 1) == math.inf
    window.settle(500.0, 100, 40)
    assert window.wait_s(500.0, 60) == 0
    assert 0 < window.wait_s(500.0, 61) <= LONGEST_S


def test_what_only_open_calls_hold_is_no_wait_that_can_be_told() -> None:
    window = SlidingWindow(100, WINDOW_S)
    window.spend(500.0, 30)
    window.hold(60)
    assert 0 < window.wait_s(500.0, 20) < math.inf, "if they used all of it, the oldest must go"
    assert window.least_wait_s(500.0, 20) == math.inf
    assert window.least_wait_s(500.0, 10) == window.wait_s(500.0, 10) == 0
    assert 0 < window.least_wait_s(500.0, 71) <= LONGEST_S


def test_without_a_limit_nothing_waits_and_a_limit_that_comes_later_knows_what_was_used() -> None:
    window = SlidingWindow(None, WINDOW_S)
    window.spend(0.0, 50)
    assert window.wait_s(0.0, 10**12) == 0
    window.limit = 50
    assert window.wait_s(0.0, 1) > 0


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(0, 9)), max_size=200), st.integers(0, 9))
def test_what_is_told_as_used_is_as_much_in_few_parts_and_never_older_than_it_was(
    spent: list[tuple[float, int]], held: int
) -> None:
    window, now, whole = SlidingWindow(None, WINDOW_S), 0.0, []
    for pause_s, amount in spent:
        now += pause_s
        window.spend(now, amount)
        whole.append((now, amount))
    window.hold(held)

    told = window.used(now)

    recent = [(now - moment, amount) for moment, amount in whole if now - moment < WINDOW_S]
    assert sum(amount for _, amount in told) >= sum(amount for _, amount in recent) + held
    assert len(told) <= TOLD + 2
    assert told == sorted(told, reverse=True)
    for border in (0.0, 1.0, 10.0, 30.0):
        younger = sum(amount for ago_s, amount in recent if ago_s <= border)
        assert sum(amount for ago_s, amount in told if ago_s <= border) >= younger + held


def test_a_window_is_kept_for_longer_than_it_is_since_no_two_clocks_run_alike() -> None:
    window = SlidingWindow(1, WINDOW_S)
    window.spend(600.0, 1)
    assert window.wait_s(600.0 + WINDOW_S, 1) > 0
    assert window.wait_s(600.0 + LONGEST_S, 1) == 0
