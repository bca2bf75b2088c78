from __future__ import annotations

from include.pipelines.csv.quota.adaptive import AdaptiveConcurrency


def test_more_than_the_share_of_429s_in_a_round_halves_what_may_be_open_once() -> None:
    made = AdaptiveConcurrency(100, 0.1)
    for _ in range(10):
        made.busy(5.0, 1.0)
    assert made.limit == 50
    for _ in range(90):
        made.busy(6.0, 4.9)  # sent before the halving
    assert made.limit == 50


def test_fewer_429s_than_the_share_change_nothing() -> None:
    made = AdaptiveConcurrency(100, 0.1)
    for number in range(1000):
        if number % 20:
            made.good()
        else:
            made.busy(float(number), float(number))
    assert made.limit == 100


def test_it_never_falls_below_one_and_grows_back_by_one_a_round() -> None:
    made = AdaptiveConcurrency(8, 0.1)
    for number in range(20):
        made.busy(float(number), float(number))
    assert made.limit == 1
    grown = []
    for _ in range(4):
        for _ in range(made.limit + 1):
            made.good()
        grown.append(made.limit)
    assert grown == sorted(grown)
    assert grown[-1] > 3
    for _ in range(100):
        made.good()
    assert made.limit == 8
