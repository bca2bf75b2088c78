from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from include.engine.errors import SettingsError
from include.warehouse.connection import Warehouse, sqlite_warehouse
from include.warehouse.key_lists import store_keys
from include.warehouse.window import Window
from tests.fixtures.tables import one
from tests.fixtures.toy_orders.operators import OrderPlanOperator
from tests.fixtures.toy_orders.pipeline import OrderSettings, ToyOrders
from tests.include.warehouse.toy_people import execute


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """Planned into once already, so that it has the house's tables."""
    file = str(tmp_path / "w.db")
    monkeypatch.setenv("AIRFLOW_CONN_HEADRACE_WAREHOUSE", json.dumps({"conn_type": "sqlite", "host": file}))
    (tmp_path / "orders.ndjson").write_text("")
    monkeypatch.setenv("AIRFLOW_VAR_HEADRACE_TOY_ORDERS", json.dumps({"file": str(tmp_path / "orders.ndjson")}))
    assert plan("first") == []
    return sqlite_warehouse(Path(file))


def plan(run_id: str, operator: type[OrderPlanOperator] = OrderPlanOperator, **conf: Any) -> list[dict[str, Any]]:
    dag_run = SimpleNamespace(conf=conf, dag_id="toy_dag", run_id=run_id)
    context: Any = {"params": conf, "dag_run": dag_run}
    return operator(task_id="plan").execute(context)


def test_a_stored_list_is_planned_with_the_pins_of_its_keys(warehouse: Warehouse) -> None:
    store_keys(warehouse, "mine", ["o1", "o2", "o3"])
    batches = plan("listed", key_list="mine", batch_size=2)
    assert [(batch["first"], batch["last"], batch["planned_records"]) for batch in batches] == [(0, 2, 2), (2, 3, 1)]
    assert len({batch["pin"] for batch in batches}) == 2


def test_a_list_with_a_gap_is_refused_before_the_run_is_opened(warehouse: Warehouse, tmp_path: Path) -> None:
    store_keys(warehouse, "mine", ["o1", "o2", "o3"])
    execute(warehouse, "DELETE FROM headrace_key_lists WHERE position = 0")
    with pytest.raises(SettingsError, match="list mine: it has 2 keys at positions 1 to 2; number them from 0 to 1"):
        plan("listed", key_list="mine")
    assert one(tmp_path / "w.db", "SELECT count(*) FROM headrace_runs") == 1


class CheckedOrders(ToyOrders):
    def check(self) -> None:
        raise SettingsError("file: it is not there any more")


class CheckedPlanOperator(OrderPlanOperator):
    def build(self, settings: OrderSettings, window: Window | None, warehouse: Warehouse) -> CheckedOrders:
        return CheckedOrders(settings, window, lambda _: set())


@pytest.mark.parametrize("conf", [{"key_list": "mine"}, {"open_rejects_only": True}])
def test_a_run_over_listed_keys_looks_at_the_source_before_it_is_opened(
    warehouse: Warehouse, tmp_path: Path, conf: dict[str, Any]
) -> None:
    store_keys(warehouse, "mine", ["o1"])
    with pytest.raises(SettingsError, match="it is not there any more"):
        plan("listed", CheckedPlanOperator, **conf)
    assert one(tmp_path / "w.db", "SELECT count(*) FROM headrace_runs") == 1


def test_a_list_of_keys_of_another_kind_is_refused_before_the_run_is_opened(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    store_keys(warehouse, "mine", ["o1", 7])
    with pytest.raises(SettingsError, match="list mine, position 1: the keys of toy_orders are text: set is_number"):
        plan("listed", key_list="mine")
    assert one(tmp_path / "w.db", "SELECT count(*) FROM headrace_runs") == 1


def test_a_run_over_open_rejects_drops_the_lists_of_much_older_ones(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("include.warehouse.key_lists.KEPT_LISTS", 1)
    execute(
        warehouse,
        "INSERT INTO headrace_rejects VALUES "
        "('toy_orders', 'toy_orders', 'o1', 'r', 1, 'c', 'm', 1, '2026-01-01', '2026-01-01', NULL)",
    )
    for run_id in ("a", "b", "c"):
        assert len(plan(run_id, open_rejects_only=True)) == 1
    assert one(tmp_path / "w.db", "SELECT group_concat(DISTINCT list_id) FROM headrace_key_lists") == (
        "toy_dag/b,toy_dag/c"
    )
