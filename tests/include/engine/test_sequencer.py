from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from include.engine.handoff import HandOff
from include.engine.insert_queue import InsertQueue
from include.engine.model import Outcome, Record, Settlement
from include.engine.sequencer import Sequencer
from include.engine.task import Task

WAIT_S = 5.0


def settled(number: int) -> Task:
    task = Task(Record(number, None), number, number)
    task.settlement = Settlement(number, Outcome.WRITTEN, index=number)
    return task


@given(st.permutations(range(12)), st.integers(1, 5))
def test_whatever_the_order_of_settling_they_come_out_in_the_order_of_reading(order: list[int], run: int) -> None:
    queue = InsertQueue(100, 100)
    sequencer = Sequencer(queue, HandOff(100, 100, workers=1, window=100))
    for start in range(0, len(order), run):
        sequencer.put([settled(number) for number in order[start : start + run]])
    assert [one.key for one in queue.take(100, 0)] == list(range(12))
    assert sequencer.held == 0


def test_a_full_queue_holds_up_one_worker_and_the_others_leave_theirs_and_go_on() -> None:
    queue = InsertQueue(1, 100)
    sequencer = Sequencer(queue, HandOff(100, 100, workers=2, window=100))
    sequencer.put([settled(0)])
    blocked = threading.Thread(target=lambda: sequencer.put([settled(1)]), daemon=True)
    blocked.start()
    blocked.join(0.05)
    assert blocked.is_alive()
    sequencer.put([settled(3), settled(2)])  # returns although the queue is full
    taken = [queue.take(1, 1)[0].key for _ in range(4)]
    blocked.join(WAIT_S)
    assert taken == [0, 1, 2, 3]
