from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from include.warehouse.connection import Warehouse
from include.warehouse.runs import Run, start_run
from include.warehouse.vanished import Vanished, settle_vanished
from include.warehouse.verify import verify
from tests.include.warehouse.toy_people import Loading, count, execute, fetch, people, written

Load = Callable[..., Loading]
RUN = Run("toy", "people", "toy_dag", "run 1")


def held(warehouse: Warehouse) -> list[int]:
    return [key for (key,) in fetch(warehouse, "SELECT person_id FROM person ORDER BY person_id")]


def test_what_runs_that_began_earlier_wrote_while_this_one_read_is_not_left_behind(
    warehouse: Warehouse, load: Load
) -> None:
    load(run_id="run 0").commit(written(1), written(2), written(9))
    slowest, slow = load(run_id="slowest"), load(run_id="slow")
    load(run_id="run 1").commit(written(1), written(2))
    slow.commit(written(1), written(2), written(3))
    slowest.commit(written(2), written(4))
    assert settle_vanished(warehouse, RUN, people(), "count") == 1
    assert settle_vanished(warehouse, RUN, people(), "remove") == 1
    assert held(warehouse) == [1, 2, 3, 4]
    assert verify(warehouse, "toy", people()) == []


@pytest.mark.parametrize("policy", ["count", "remove"])
def test_a_run_that_is_done_again_over_an_empty_source_finds_none(
    warehouse: Warehouse, load: Load, policy: Vanished
) -> None:
    load(run_id="run 0").commit(written(3))
    load(run_id="run 1").commit(written(1), written(2))
    start_run(warehouse, RUN, [])
    assert settle_vanished(warehouse, RUN, people(), policy) == 0
    assert count(warehouse, "person") == 3


def test_a_run_that_is_done_again_leaves_behind_what_only_its_former_cycle_met(
    warehouse: Warehouse, load: Load
) -> None:
    load(run_id="run 1").commit(written(1), written(2))
    load(run_id="run 1", owner="owner 2", max_tries=3, try_number=3).commit(written(1))
    assert settle_vanished(warehouse, RUN, people(), "remove") == 1
    assert held(warehouse) == [1]


def test_a_key_that_the_run_settled_before_another_stays_though_that_ones_clock_is_slow(
    warehouse: Warehouse, load: Load
) -> None:
    load(run_id="run 0").commit(written(9))
    slow = load(run_id="slow")
    load(run_id="run 1").commit(written(1))
    slow.commit(written(1))
    execute(warehouse, "UPDATE headrace_records SET settled_at = '2020-01-01 00:00:00.000000'")
    assert settle_vanished(warehouse, RUN, people(), "remove") == 1
    assert held(warehouse) == [1]


def test_what_another_run_wrote_since_the_state_that_was_read_is_not_left_behind(
    warehouse: Warehouse, load: Load
) -> None:
    load(run_id="run 0").commit(written(1), written(9))
    execute(warehouse, "UPDATE headrace_records SET settled_at = '2020-01-01 00:00:00.000000'")
    exported_at = datetime(2021, 1, 1, tzinfo=UTC).replace(tzinfo=None)
    load(run_id="between").commit(written(2))
    load(run_id="run 1").commit(written(1))
    assert settle_vanished(warehouse, RUN, people(), "remove", read_at=exported_at) == 1
    assert held(warehouse) == [1, 2]
