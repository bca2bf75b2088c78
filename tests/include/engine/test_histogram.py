from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.engine.histogram import LAST_BUCKET, RELATIVE_ERROR, Histogram, bucket_of

DURATIONS = st.floats(min_value=1e-6, max_value=86_400)
SHARES = st.floats(min_value=0, max_value=1)


@given(st.lists(DURATIONS, min_size=1), SHARES)
def test_a_quantile_is_within_the_stated_error_of_the_exact_one(durations: list[float], share: float) -> None:
    exact = sorted(durations)[max(1, math.ceil(share * len(durations))) - 1]
    assert Histogram.of(durations).quantile(share) == pytest.approx(exact, rel=RELATIVE_ERROR * 1.0001)


@given(st.lists(st.lists(DURATIONS)), SHARES)
def test_merged_histograms_give_the_quantiles_of_all_records_at_once(parts: list[list[float]], share: float) -> None:
    merged = sum((Histogram.of(part) for part in parts), Histogram())
    whole = Histogram.of(duration for part in parts for duration in part)
    assert merged.buckets == whole.buckets
    assert merged.quantile(share) == whole.quantile(share)
    assert merged.mean_s == pytest.approx(whole.mean_s)


@given(st.lists(DURATIONS))
def test_it_survives_json(durations: list[float]) -> None:
    histogram = Histogram.of(durations)
    assert Histogram.from_json(json.loads(json.dumps(histogram.to_json()))) == histogram


def test_what_is_outside_the_range_is_counted_at_its_ends() -> None:
    assert bucket_of(0) == 0
    assert bucket_of(1e-9) == 0
    assert bucket_of(1e9) == LAST_BUCKET
    assert bucket_of(86_400) < LAST_BUCKET
    assert Histogram.of([0.0, 1e9]).count == 2


def test_an_empty_one_is_all_zero_and_the_neutral_part_of_a_sum() -> None:
    empty = Histogram()
    assert (empty.count, empty.mean_s, empty.quantile(0.5)) == (0, 0, 0)
    assert sum([Histogram.of([1.0])]) == Histogram.of([1.0])
