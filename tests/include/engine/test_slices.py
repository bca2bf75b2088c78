from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.engine.slices import Count, CountedRange, fitted, halved, merged


def counter(places: list[int]) -> Count:
    held = sorted(places)
    return lambda lower, upper: bisect_left(held, upper) - bisect_left(held, lower)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.integers(0, 1 << 40), max_size=300), st.integers(1, 50))
def test_ranges_cover_the_whole_without_gaps_and_hold_at_most_a_batch(places: list[int], size: int) -> None:
    count = counter(places)
    whole = CountedRange(0, 1 << 41, len(places))
    found = list(halved(count, whole, size, max_counts=100_000))
    assert (found[0].lower, found[-1].upper) == (whole.lower, whole.upper)
    assert all(one.upper == other.lower for one, other in pairwise(found))
    for each in found:
        assert each.records == count(each.lower, each.upper)
        assert each.records <= size or each.upper - each.lower == 1
    joined = merged(found, size)
    assert (joined[0].lower, joined[-1].upper) == (whole.lower, whole.upper)
    assert sum(each.records for each in joined) == len(places)
    assert all(one.upper == other.lower for one, other in pairwise(joined))
    assert all(one.records + other.records > size for one, other in pairwise(joined))


def test_what_others_write_meanwhile_changes_counts_and_never_bounds() -> None:
    answers = iter([70, 5_000, -1, 0, 0, 0, 0, 0, 0, 0])
    found = list(halved(lambda lower, upper: next(answers), CountedRange(0, 8, 100), 40))
    assert (found[0].lower, found[-1].upper) == (0, 8)
    assert all(one.upper == other.lower for one, other in pairwise(found))
    assert sum(each.records for each in found) == 100


def test_halving_ends_after_so_many_counts_and_loses_nothing(caplog: pytest.LogCaptureFixture) -> None:
    places = list(range(1_000))
    asked: list[tuple[int, int]] = []

    def count(lower: int, upper: int) -> int:
        asked.append((lower, upper))
        return counter(places)(lower, upper)

    found = list(halved(count, CountedRange(0, 1_000, 1_000), 1, max_counts=10))
    assert len(asked) == 10
    assert sum(each.records for each in found) == 1_000
    assert "stays in larger batches" in caplog.text


def test_ranges_grow_until_the_run_has_few_enough_batches_and_wholes_stay_apart() -> None:
    tens = [CountedRange(number, number + 1, 10) for number in range(64)]
    found = fitted([tens, tens[:1], []], 10, 9)
    assert [len(ranges) for ranges in found] == [8, 1, 0]
    assert sum(each.records for each in found[0]) == 640
    assert [len(ranges) for ranges in fitted([tens[:1]] * 5, 10, 2)] == [1] * 5, "one a whole is the least"
