from __future__ import annotations

import threading

import pytest

from include.engine.abort import Aborted
from include.engine.handoff import HandOff
from include.engine.model import Record
from include.engine.task import Task

WAIT_S = 5.0


def task(number: int, size: int = 1) -> Task:
    return Task(Record(number, None, size), number, number)


def numbers(tasks: list[Task]) -> list[int]:
    return [one.sequence for one in tasks]


def test_the_reader_blocks_until_what_it_delivered_is_settled_not_just_taken() -> None:
    handoff = HandOff(2, 100, workers=1)
    handoff.put(task(0))
    handoff.put(task(1))
    reader = threading.Thread(target=handoff.put, args=(task(2),), daemon=True)
    reader.start()
    assert numbers(handoff.take(2)) == [0, 1]
    reader.join(0.05)
    assert reader.is_alive()
    assert numbers(handoff.take(2, settled=2, settled_bytes=2)) == [2]
    reader.join(WAIT_S)
    assert not reader.is_alive()


def test_a_worker_leaves_some_for_the_others() -> None:
    handoff = HandOff(100, 100, workers=4)
    for number in range(8):
        handoff.put(task(number))
    assert numbers(handoff.take(32)) == [0, 1]


def test_what_is_given_back_goes_first() -> None:
    handoff = HandOff(100, 100, workers=1)
    for number in range(4):
        handoff.put(task(number))
    taken = handoff.take(3)
    handoff.give_back(taken[1:])
    assert numbers(handoff.take(9)) == [1, 2]
    assert numbers(handoff.take(9)) == [3]


def test_workers_wait_for_what_others_may_give_back_until_all_is_settled() -> None:
    handoff = HandOff(100, 100, workers=2)
    handoff.put(task(0))
    [mine] = handoff.take(1)
    handoff.close()
    got: list[list[int]] = []
    other = threading.Thread(target=lambda: got.append(numbers(handoff.take(1))), daemon=True)
    other.start()
    other.join(0.05)
    assert other.is_alive()
    handoff.give_back([mine])
    other.join(WAIT_S)
    assert got == [[0]]
    assert handoff.take(1, settled=1, settled_bytes=1) == []


def test_nothing_starts_beyond_the_window_until_the_floor_advances() -> None:
    handoff = HandOff(100, 100, workers=1, window=2)
    for number in range(4):
        handoff.put(task(number))
    assert numbers(handoff.take(9)) == [0, 1]
    got: list[list[int]] = []
    waiting = threading.Thread(target=lambda: got.append(numbers(handoff.take(9))), daemon=True)
    waiting.start()
    waiting.join(0.05)
    assert waiting.is_alive()
    handoff.advance(1)
    waiting.join(WAIT_S)
    assert got == [[2]]


def test_a_nudge_brings_up_what_a_fast_reader_did_not_announce() -> None:
    handoff = HandOff(100, 100, workers=1)
    got: list[list[int]] = []
    idle = threading.Thread(
        target=lambda: got.extend([numbers(handoff.take(1)), numbers(handoff.take(9))]), daemon=True
    )
    idle.start()
    for number in range(3):
        handoff.put(task(number))
    for _ in range(1000):
        handoff.nudge()
        idle.join(0.005)
        if not idle.is_alive():
            break
    assert sum(map(len, got)) >= 2


def test_fail_frees_reader_and_workers() -> None:
    handoff = HandOff(1, 100, workers=1)
    handoff.put(task(0))
    freed: list[bool] = []

    def blocked_reader() -> None:
        with pytest.raises(Aborted):
            handoff.put(task(1))
        freed.append(True)

    reader = threading.Thread(target=blocked_reader, daemon=True)
    reader.start()
    reader.join(0.02)
    handoff.fail(OSError())
    reader.join(WAIT_S)
    assert freed == [True]
    with pytest.raises(Aborted):
        handoff.take(1)
