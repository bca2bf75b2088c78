from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from include.engine.errors import SettingsError, SourceChanged
from include.engine.model import Batch, Key, KeyListRange
from include.warehouse.connection import Warehouse
from include.warehouse.key_lists import (
    CHUNK,
    KEPT_LISTS,
    drop_list,
    drop_old_lists,
    list_of_run,
    listed_keys,
    page_keys,
    plan_listed,
    refuse_other_kind,
    store_keys,
    store_open_rejects,
)
from include.warehouse.runs import Run, start_run
from include.warehouse.target import MAX_NAME, Target
from tests.include.warehouse.toy_people import Loading, count, execute, fetch, lone, lone_people, rejected, written

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
    assert count(warehouse, "headrace_key_lists") == 0


def test_a_long_list_is_read_and_stored_a_chunk_at_a_time(warehouse: Warehouse, load: Load) -> None:
    load()
    ahead = 0

    def keys() -> Iterator[int]:
        nonlocal ahead
        for key in range(2 * CHUNK + 10):
            ahead = max(ahead, key - count(warehouse, "headrace_key_lists")) if key % CHUNK == 0 else ahead
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


def add(warehouse: Warehouse, *lines: tuple[int, str, int]) -> None:
    """By hand, as README says."""
    for position, key, is_number in lines:
        execute(warehouse, f"INSERT INTO headrace_key_lists VALUES ('mine', {position}, '{key}', {is_number})")


def keys_of(warehouse: Warehouse, batch: Batch) -> list[Key]:
    assert isinstance(batch.part, KeyListRange)
    return list(listed_keys(warehouse, batch.part))


@pytest.mark.parametrize(
    ("positions", "words"),
    [
        ([1, 2, 3], "it has 3 keys at positions 1 to 3; number them from 0 to 2, without gaps"),
        ([0, 2], "it has 2 keys at positions 0 to 2"),
        ([-1, 0, 1], "it has 3 keys at positions -1 to 1"),
    ],
)
def test_positions_that_do_not_count_from_0_without_gaps_are_refused_before_any_work(
    warehouse: Warehouse, load: Load, positions: list[int], words: str
) -> None:
    load()
    add(warehouse, *((position, str(position), 1) for position in positions))
    with pytest.raises(SettingsError, match=f"list mine: {words}"):
        plan_listed(warehouse, "mine", 10)


@pytest.mark.parametrize("key", ["PLANTED", "1_000", "1.5", " 7", "\uff11", ""])
def test_a_number_that_is_none_is_named_by_position_and_never_shown(warehouse: Warehouse, load: Load, key: str) -> None:
    load()
    add(warehouse, (0, "-12", 1), (1, key, 1))
    with pytest.raises(SettingsError, match="list mine, position 1: the key is no whole number") as raised:
        plan_listed(warehouse, "mine", 10)
    assert "PLANTED" not in str(raised.value)


def test_a_key_of_another_kind_than_the_targets_is_named_by_position_and_never_shown(
    warehouse: Warehouse, load: Load
) -> None:
    load()
    store_keys(warehouse, "mine", [1, "secret"])
    numbers = Target(
        "numbers", "id", [sa.Table("numbers", sa.MetaData(), sa.Column("id", sa.BigInteger, primary_key=True))]
    )
    with pytest.raises(SettingsError, match=r"list mine, position 1: .* are numbers: set is_number to 1") as raised:
        refuse_other_kind(warehouse, "mine", numbers)
    assert "secret" not in str(raised.value)
    store_keys(warehouse, "mine", [1, 2])
    refuse_other_kind(warehouse, "mine", numbers)


def test_batches_over_a_list_cover_it_and_an_absent_one_has_none(warehouse: Warehouse, load: Load) -> None:
    load()
    assert plan_listed(warehouse, "mine", 2) == []
    store_keys(warehouse, "mine", ["a", 7, "b", "7", -1])
    batches = [Batch.from_json(batch.to_json()) for batch in plan_listed(warehouse, "mine", 2)]
    assert [keys_of(warehouse, batch) for batch in batches] == [["a", 7], ["b", "7"], [-1]]
    assert [batch.planned_records for batch in batches] == [2, 2, 1]


@pytest.mark.parametrize("others", [["a", "b", "c", "x"], ["a", "b", "d", "c"], ["a", "b", "c"], []])
def test_a_list_that_was_replaced_since_the_plan_is_fatal_where_its_keys_are_others(
    warehouse: Warehouse, load: Load, others: list[Key]
) -> None:
    load()
    store_keys(warehouse, "mine", ["a", "b", "c", "d"])
    same, changed = plan_listed(warehouse, "mine", 2)
    store_keys(warehouse, "mine", others)
    if others:
        assert keys_of(warehouse, same) == ["a", "b"]
    with pytest.raises(SourceChanged, match="list mine: positions 2 to 4 do not hold the keys that were planned"):
        keys_of(warehouse, changed)


def test_a_number_in_place_of_the_same_digits_is_another_key(warehouse: Warehouse, load: Load) -> None:
    load()
    store_keys(warehouse, "mine", [7])
    (batch,) = plan_listed(warehouse, "mine", 2)
    store_keys(warehouse, "mine", ["7"])
    with pytest.raises(SourceChanged):
        keys_of(warehouse, batch)


def test_the_own_lists_of_the_latest_runs_stay_for_batches_that_are_cleared_and_older_ones_go(
    warehouse: Warehouse, load: Load
) -> None:
    load()
    store_keys(warehouse, "mine", ["a"])
    names = ["first", *(f"run {number}" for number in range(KEPT_LISTS + 3)), "r" * 200]
    for number, name in enumerate(names):
        run = Run("toy", "people", "toy_dag", name)
        if number % 2:
            start_run(warehouse, Run("toy", "people", "toy_dag", f"between {number}"), [], settings={"force": True})
        store_keys(warehouse, list_of_run(run), ["a", "b"])
        drop_old_lists(warehouse, run)
        start_run(warehouse, run, [], settings={"open_rejects_only": True})
    kept = [list_of_run(Run("toy", "people", "toy_dag", name)) for name in names[-KEPT_LISTS - 1 :]]
    assert {name for (name,) in fetch(warehouse, "SELECT list_id FROM headrace_key_lists")} == {"mine", *kept}

    first = Run("toy", "people", "toy_dag", "first")
    store_keys(warehouse, list_of_run(first), ["a"])
    drop_old_lists(warehouse, first)
    assert count(warehouse, "headrace_key_lists", "list_id = 'toy_dag/first'") == 1, "a run that is planned again"


def test_a_runs_own_list_fits_its_column_whatever_airflows_ids_and_no_param_can_name_it() -> None:
    names = [
        list_of_run(Run("p", "t", dag_id, run_id))
        for dag_id, run_id in [("d", "r"), ("d" * 250, "r" * 250), ("d" * 250, "r" * 249 + "s")]
    ]
    assert names[0] == "d/r"
    assert len(set(names)) == 3
    assert all(len(name) <= MAX_NAME and "/" in name for name in names)
