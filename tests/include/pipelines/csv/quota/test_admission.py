from __future__ import annotations

import heapq
import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.engine.errors import RecordRejected, SettingsError
from include.pipelines.csv.quota.admission import Admission, Outcome, Pass
from include.pipelines.csv.quota.settings import MINUTE_S, EndpointSettings
from include.sandbox.web_apis_quotas import most_in_any_window

OUTCOMES = st.sampled_from([Outcome.ANSWERED, Outcome.ANSWERED, Outcome.BUSY, Outcome.FAILED, Outcome.DROPPED])


def endpoint(**settings: object) -> Admission:
    return Admission(EndpointSettings.model_validate({"name": "model", **settings}))


@given(
    requests=st.integers(1, 8),
    tokens=st.integers(20, 100),
    calls=st.lists(
        st.tuples(st.integers(1, 20), st.floats(0, 20), st.floats(0, 10), st.floats(0, 1), OUTCOMES), max_size=40
    ),
)
def test_whatever_becomes_of_calls_requests_and_tokens_stay_within_both_quotas(
    requests: int, tokens: int, calls: list[tuple[int, float, float, float, Outcome]]
) -> None:
    door = endpoint(
        requests_per_minute=requests, tokens_per_minute=tokens, concurrency=5, open_s=1, open_max_s=2, breaker_calls=3
    )
    now, order = 0.0, itertools.count()
    seen: list[tuple[float, int]] = []
    open_calls: list[tuple[float, int, Pass, Outcome]] = []

    def end_until(moment: float) -> None:
        while open_calls and open_calls[0][0] <= moment:
            ended, _, call, outcome = heapq.heappop(open_calls)
            door.end(ended, call, outcome, call.tokens if outcome is Outcome.ANSWERED else None)

    for needed, pause_s, latency_s, share, outcome in calls:
        now += pause_s
        end_until(now)
        while (wait_s := door.wait_s(now, needed)) > 0:
            now = now + wait_s if math.isfinite(wait_s) else open_calls[0][0]
            end_until(now)
        heapq.heappush(open_calls, (now + latency_s, next(order), door.begin(now, needed), outcome))
        assert len(open_calls) <= 5
        seen.append((now + share * latency_s, 0 if outcome is Outcome.BUSY else needed))
    assert most_in_any_window([(moment, 1) for moment, _ in seen], MINUTE_S) <= requests
    assert most_in_any_window(seen, MINUTE_S) <= tokens


def test_a_task_keeps_to_its_share() -> None:
    door = endpoint(requests_per_minute=10, tasks=4)
    for _ in range(2):
        door.end(0.0, door.begin(0.0, 0), Outcome.ANSWERED)
    assert door.wait_s(0.0, 0) == pytest.approx(MINUTE_S, rel=0.01)


def test_a_quota_that_has_less_than_one_for_each_task_is_refused_with_the_fix() -> None:
    with pytest.raises(SettingsError, match=r"tokens_per_day is 3, less than one for each of 4 tasks: let fewer"):
        endpoint(tokens_per_day=3, tasks=4)


def test_a_call_that_can_never_fit_is_rejected_and_does_not_wait() -> None:
    with pytest.raises(RecordRejected, match=r"csv\.over_quota: model: one call needs about 101 tokens.*is 100:"):
        endpoint(tokens_per_minute=100).wait_s(0.0, 101)


def test_a_call_that_never_reached_the_service_is_not_counted() -> None:
    door = endpoint(requests_per_minute=1, tokens_per_minute=10)
    door.end(0.0, door.begin(0.0, 10), Outcome.UNSENT)
    assert door.wait_s(0.0, 10) == 0


def test_a_call_whose_tokens_are_not_told_counts_as_what_was_reserved() -> None:
    door = endpoint(tokens_per_minute=10)
    door.end(0.0, door.begin(0.0, 7), Outcome.FAILED)
    assert door.wait_s(0.0, 3) == 0
    assert door.wait_s(0.0, 4) > 0


def test_a_call_that_was_turned_away_counts_as_a_request_and_its_tokens_do_not() -> None:
    door = endpoint(requests_per_minute=2, tokens_per_minute=10)
    door.end(0.0, door.begin(0.0, 10), Outcome.BUSY)
    assert door.wait_s(0.0, 10) == 0
    door.end(0.0, door.begin(0.0, 10), Outcome.BUSY)
    assert door.wait_s(0.0, 10) > 0


@pytest.mark.parametrize(
    ("settings", "headers", "quota"),
    [
        ({"requests_per_minute": 1}, {}, "requests_per_minute"),
        ({"tokens_per_day": 5, "requests_per_minute": 1}, {}, "tokens_per_day"),
        ({}, {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "9s"}, "tokens_per_minute"),
        ({"requests_per_minute": 2}, {}, None),
        ({"requests_per_minute": 1, "concurrency": 1}, {}, "requests_per_minute"),
    ],
)
def test_the_quota_that_a_call_waits_for_longest_is_named(
    settings: dict[str, int], headers: dict[str, str], quota: str | None
) -> None:
    door = endpoint(**settings)
    call = door.begin(0.0, 5)
    if settings.get("concurrency") == 1:
        assert door.short_of(0.0, 5) is None  # it waits for the call before it
    door.end(0.0, call, Outcome.ANSWERED)
    door.learn(0.0, headers, None)
    short = door.short_of(0.0, 5)
    assert (short and short.quota) == quota
    assert (short.wait_s if short else 0.0) == door.wait_s(0.0, 5)


def test_a_pause_that_the_service_asks_for_is_no_quota() -> None:
    door = endpoint(requests_per_minute=1)
    door.end(0.0, door.begin(0.0, 0), Outcome.ANSWERED)
    door.learn(0.0, {}, 90.0)
    assert door.short_of(0.0, 0) is None


def test_retry_after_closes_the_door_for_every_call_up_to_the_bound() -> None:
    door = endpoint(pause_max_s=30)
    door.learn(0.0, {}, 7.0)
    assert door.wait_s(0.0, 0) == 7
    door.learn(0.0, {}, 3600.0)
    assert door.wait_s(0.0, 0) == 30


def test_a_lower_limit_of_the_service_is_kept_by_each_task_at_its_share() -> None:
    door = endpoint(requests_per_minute=100, tasks=2)
    door.learn(0.0, {"x-ratelimit-limit-requests": "4", "x-ratelimit-remaining-requests": "3"}, None)
    for _ in range(2):
        door.end(0.0, door.begin(0.0, 0), Outcome.ANSWERED)
    assert door.wait_s(0.0, 0) > 0


def test_a_limit_that_is_learned_counts_what_went_before_it() -> None:
    door = endpoint(requests_header="day")
    for _ in range(3):
        door.end(0.0, door.begin(0.0, 0), Outcome.ANSWERED)
    door.learn(0.0, {"x-ratelimit-limit-requests": "3"}, None)
    assert door.wait_s(0.0, 0) > 86_000


def test_a_higher_limit_of_the_service_changes_nothing() -> None:
    door = endpoint(requests_per_minute=1)
    door.learn(0.0, {"x-ratelimit-limit-requests": "500"}, None)
    door.end(0.0, door.begin(0.0, 0), Outcome.ANSWERED)
    assert door.wait_s(0.0, 0) > 0


def test_nothing_remaining_closes_the_door_until_the_reset() -> None:
    door = endpoint()
    door.learn(0.0, {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1m2.5s"}, None)
    assert door.wait_s(0.0, 1) == 62.5


def test_headers_are_not_looked_at_where_learning_is_off() -> None:
    door = endpoint(learn=False)
    door.learn(0.0, {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "60s"}, None)
    assert door.wait_s(0.0, 1) == 0


def test_what_was_used_before_the_task_began_counts_until_it_is_a_window_old() -> None:
    door = endpoint(requests_per_minute=5, tokens_per_minute=50)
    door.spent_before(100.0, MINUTE_S, 3, 20)
    door.spent_before(130.0, MINUTE_S, 2, 10)
    assert door.wait_s(140.0, 1) == pytest.approx(20, abs=0.2)
    assert door.wait_s(161.0, 1) == 0
