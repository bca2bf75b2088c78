from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.engine.abort import Aborted
from include.engine.insert_queue import InsertQueue
from include.engine.model import Outcome, Settlement

WAIT_S = 5.0


def item(key: int | str, size: int = 1) -> Settlement:
    return Settlement(key, Outcome.WRITTEN, size=size)


def in_thread(call: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    return thread


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, "the condition never came"
        time.sleep(0.001)


@settings(max_examples=40, deadline=None)
@given(
    producers=st.lists(st.lists(st.lists(st.integers(0, 30), max_size=5), max_size=8), min_size=1, max_size=4),
    max_records=st.integers(1, 5),
    max_bytes=st.integers(1, 40),
    take=st.integers(1, 7),
)
def test_everything_is_taken_once_in_its_producers_order_and_the_bounds_hold(
    producers: list[list[list[int]]], max_records: int, max_bytes: int, take: int
) -> None:
    queue = InsertQueue(max_records, max_bytes)

    def produce(number: int) -> None:
        count = 0
        for run in producers[number]:
            queue.put([item(f"{number}/{count + place}", size) for place, size in enumerate(run)])
            count += len(run)

    with ThreadPoolExecutor(len(producers)) as pool:
        done = [pool.submit(produce, number) for number in range(len(producers))]
        closer = in_thread(lambda: ([future.result() for future in done], queue.close()))
        taken: list[Settlement] = []
        while True:
            depth, waiting_bytes = queue.depth, queue.waiting_bytes
            assert depth <= max_records
            assert waiting_bytes <= max_bytes or depth <= 2  # one that is too large waits alone; read without the lock
            got = queue.take(take, 0.001)
            if not got:
                break
            assert len(got) <= min(take, max_records)
            assert len(got) == 1 or sum(one.size for one in got) <= max_bytes
            taken += got
        closer.join(WAIT_S)
    for number, runs in enumerate(producers):
        mine = [str(one.key) for one in taken if str(one.key).startswith(f"{number}/")]
        assert mine == [f"{number}/{place}" for place in range(sum(map(len, runs)))]
    assert len(taken) == sum(len(run) for runs in producers for run in runs)
    assert (queue.depth, queue.waiting_bytes) == (0, 0)


def test_a_full_queue_blocks_its_producers_until_the_writer_takes() -> None:
    queue = InsertQueue(2, 100)
    queue.put([item(1), item(2)])
    producer = in_thread(lambda: queue.put([item(3)]))
    producer.join(0.05)
    assert producer.is_alive()
    assert [one.key for one in queue.take(1, 0)] == [1]
    producer.join(WAIT_S)
    assert not producer.is_alive()
    assert [one.key for one in queue.take(9, 0)] == [2, 3]


def test_the_byte_bound_blocks_as_the_record_bound_does() -> None:
    queue = InsertQueue(100, 10)
    queue.put([item(1, 6)])
    producer = in_thread(lambda: queue.put([item(2, 5)]))
    producer.join(0.05)
    assert producer.is_alive()
    queue.take(1, 0)
    producer.join(WAIT_S)
    assert not producer.is_alive()


def test_one_larger_than_the_byte_bound_passes_alone() -> None:
    queue = InsertQueue(100, 10)
    queue.put([item("huge", 1000)])
    producer = in_thread(lambda: queue.put([item("small")]))
    assert [one.key for one in queue.take(5, 10)] == ["huge"]
    producer.join(WAIT_S)
    assert [one.key for one in queue.take(5, 0)] == ["small"]


def test_take_waits_for_a_whole_insert_batch_but_not_longer_than_max_wait() -> None:
    queue = InsertQueue(100, 100)
    queue.put([item(1)])
    started = time.monotonic()
    assert [one.key for one in queue.take(10, 0.1)] == [1]
    assert 0.05 < time.monotonic() - started < WAIT_S


def test_the_wait_counts_from_the_put_not_from_the_take() -> None:
    queue = InsertQueue(100, 100)
    queue.put([item(1)])
    time.sleep(0.12)
    started = time.monotonic()
    queue.take(10, 0.1)
    assert time.monotonic() - started < 0.09


def test_take_returns_as_soon_as_the_insert_batch_is_whole() -> None:
    queue = InsertQueue(100, 100)
    started = time.monotonic()
    in_thread(lambda: queue.put([item(number) for number in range(5)]))
    assert len(queue.take(5, 60)) == 5
    assert time.monotonic() - started < WAIT_S


def test_a_queue_smaller_than_the_insert_batch_does_not_wait_for_what_cannot_come() -> None:
    queue = InsertQueue(3, 100)
    producer = in_thread(lambda: queue.put([item(number) for number in range(6)]))
    started = time.monotonic()
    assert len(queue.take(10, 60)) == 3
    assert len(queue.take(3, 60)) == 3
    producer.join(WAIT_S)
    assert time.monotonic() - started < WAIT_S


def test_close_gives_out_the_rest_at_once_then_empty_lists() -> None:
    queue = InsertQueue(100, 100)
    taken: list[list[Settlement]] = []
    consumer = in_thread(lambda: taken.extend([queue.take(10, 60), queue.take(10, 60)]))
    queue.put([item(1)])
    queue.close()
    consumer.join(WAIT_S)
    assert [[one.key for one in got] for got in taken] == [[1], []]
    with pytest.raises(RuntimeError, match="closed"):
        queue.put([item(2)])


def test_fail_frees_producers_and_consumer_at_once_with_the_cause() -> None:
    cause = OSError("the database is gone")
    causes: list[BaseException | None] = []

    def caught(call: Callable[[], object]) -> None:
        try:
            call()
        except Aborted as error:
            causes.append(error.__cause__)

    full, empty = InsertQueue(1, 100), InsertQueue(1, 100)
    full.put([item(0)])
    threads = [in_thread(lambda: caught(lambda: full.put([item(1)]))) for _ in range(3)]
    threads.append(in_thread(lambda: caught(lambda: empty.take(5, 60))))
    until(lambda: full._blocked == 3 and empty._wanted == 1)
    full.fail(cause)
    empty.fail(cause)
    for thread in threads:
        thread.join(WAIT_S)
    assert causes == [cause] * 4
    with pytest.raises(Aborted):
        full.take(1, 0)
    with pytest.raises(Aborted):
        full.put([item(2)])
