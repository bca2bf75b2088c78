from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from include.pipelines.fhir.ahead import ahead


def test_items_come_in_order_and_from_another_thread() -> None:
    threads = set()

    def numbers() -> Iterator[int]:
        for number in range(100):
            threads.add(threading.get_ident())
            yield number

    with ahead(numbers, 7) as found:
        assert list(found) == list(range(100))
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_it_runs_so_many_items_ahead_and_no_more() -> None:
    made: list[int] = []
    full = threading.Semaphore(0)

    def numbers() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            full.release()
            yield number

    with ahead(numbers, 3) as found:
        for _ in range(4):
            assert full.acquire(timeout=10)
        assert not full.acquire(timeout=0.3)
        assert made == [0, 1, 2, 3], "three in the queue, and the one that finds no room"
        next(found)
        assert full.acquire(timeout=10)


def test_an_error_comes_after_the_items_before_it() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("enough")

    with ahead(broken, 5) as found:
        assert next(found) == 1
        with pytest.raises(ValueError, match="enough"):
            next(found)


def test_a_consumer_that_leaves_early_ends_the_thread_which_closes_the_iterator() -> None:
    closed = threading.Event()

    def endless() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    with ahead(endless, 2) as found:
        next(found)
    assert closed.wait(10)
