"""The collector's full passes leave alone what was there before a batch, and get it back afterwards."""

from __future__ import annotations

import gc
import threading
from typing import Any

import pytest

from include.engine.errors import FatalError
from include.engine.heap import Heap
from include.engine.model import Record, Rows


def test_what_exists_is_spared_until_the_last_of_several_blocks_ends() -> None:
    heap = Heap()
    with heap.spared():
        with heap.spared():
            assert gc.get_freeze_count() > 0
        assert gc.get_freeze_count() > 0
    assert gc.get_freeze_count() == 0


def test_a_block_that_raises_gives_the_heap_back() -> None:
    with pytest.raises(ValueError, match="amid"), Heap().spared():
        raise ValueError("amid")
    assert gc.get_freeze_count() == 0


def test_blocks_of_many_threads_freeze_once_and_thaw_once() -> None:
    heap = Heap()
    frozen: list[int] = []
    together = threading.Barrier(8)

    def block() -> None:
        with heap.spared():
            together.wait(10)
            frozen.append(gc.get_freeze_count())
            together.wait(10)

    threads = [threading.Thread(target=block) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(frozen) == 8
    assert min(frozen) > 0
    assert gc.get_freeze_count() == 0


def test_cycles_that_a_batch_makes_are_collected_while_it_runs() -> None:
    class Cycle:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            gone.append(gc.get_freeze_count())

    gone: list[int] = []
    with Heap().spared():
        Cycle()
        gc.collect()
        assert gone
        assert gone[0] > 0


def test_a_batch_spares_the_heap_and_gives_it_back_also_when_it_fails(house: Any) -> None:
    frozen = []

    def look(record: Record) -> Rows:
        if record.key == 0:  # once: it counts a million objects
            frozen.append(gc.get_freeze_count())
        if record.key == 20:
            raise FatalError("no more")
        return {}

    house.run(10, look)
    assert gc.get_freeze_count() == 0
    with pytest.raises(FatalError):
        house.run(30, look)
    assert len(frozen) == 2
    assert min(frozen) > 0
    assert gc.get_freeze_count() == 0
