from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from include.engine.errors import SettingsError
from include.warehouse.connection import Warehouse
from include.warehouse.key_lists import CHUNK, drop_list, list_length, page_keys, store_keys, store_open_rejects
from tests.include.warehouse.toy_people import Loading, lone, lone_people, rejected, written

Load = Callable[..., Loading]


def test_a_list_keeps_order_and_kind_and_is_paged_by_position(warehouse: Warehouse, load: Load) -> None:
    load()
    keys = [3, "b", 1, "007", "é"]
    assert store_keys(warehouse, "mine", keys) == 5
    assert list(page_keys(warehouse, "mine", 0, 5)) == keys
    assert list(page_keys(warehouse, "mine", 1, 3)) == ["b", 1]
    assert store_keys(warehouse, "mine", [9]) == 1
    assert list(page_keys(warehouse, "mine", 0, 99)) == [9]
    drop_list(warehouse, "mine")
    assert list_length(warehouse, "mine") == 0


def test_a_long_list_is_read_and_stored_a_chunk_at_a_time(warehouse: Warehouse, load: Load) -> None:
    load()
    ahead = 0

    def keys() -> Iterator[int]:
        nonlocal ahead
        for key in range(2 * CHUNK + 10):
            ahead = max(ahead, key - list_length(warehouse, "long")) if key % CHUNK == 0 else ahead
            yield key

    assert store_keys(warehouse, "long", keys()) == 2 * CHUNK + 10
    assert ahead == 0
    assert list(page_keys(warehouse, "long", CHUNK - 5, 2 * CHUNK + 5)) == list(range(CHUNK - 5, 2 * CHUNK + 5))


def test_a_key_that_cannot_be_held_is_named_by_position(warehouse: Warehouse, load: Load) -> None:
    load()
    with pytest.raises(SettingsError, match="list mine, position 1: the key ends in a blank"):
        store_keys(warehouse, "mine", ["a", "b "])


def test_open_rejects_become_a_list_without_those_that_no_one_can_read(warehouse: Warehouse, load: Load) -> None:
    target = lone_people()
    load(target).commit(rejected("b"), rejected("a"), rejected("c"), rejected("x" * 300), lone(written("d")))
    load(target, run_id="run 2").commit(lone(written("c")))
    assert store_open_rejects(warehouse, "again", "toy", target) == 2
    assert list(page_keys(warehouse, "again", 0, 10)) == ["a", "b"]
    assert store_open_rejects(warehouse, "again", "toy", target, lambda key: key == "b") == 1
    assert list(page_keys(warehouse, "again", 0, 10)) == ["b"]
