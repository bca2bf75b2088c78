from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import Asset

from include.engine.model import NotedRows, Record, Rows
from include.warehouse.attempt import Attempt
from include.warehouse.connection import Warehouse, sqlite_warehouse
from include.warehouse.load import load_batch
from include.warehouse.window import Window
from plugins.operators.summarize import SummarizeOperator
from tests.fixtures.toy_orders.operators import OrderPlanOperator, OrderSummarizeOperator
from tests.fixtures.toy_orders.pipeline import OrderSettings, ToyOrders, to_rows


class NotingOrders(ToyOrders):
    mark_names: Sequence[str] = ("toy_orders.total", "toy_order_lines.sku")

    def _transform(self, record: Record) -> Rows:
        return NotedRows(to_rows(record), {"unknown toy_order_lines.sku": 1}, 0b01)


class NotingSummarize(SummarizeOperator[OrderSettings]):
    pipeline_name = "toy_orders"
    settings_type = OrderSettings

    def build(self, settings: OrderSettings, window: Window | None, warehouse: Warehouse) -> NotingOrders:
        return NotingOrders(settings, window, lambda _: set())


def test_the_report_of_a_run_says_what_was_tolerated_and_what_stayed_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = tmp_path / "orders.ndjson"
    lines = [{"sku": "A-1", "amount": "1.50"}]
    orders.write_text(
        "".join(json.dumps({"id": f"o{n}", "day": "2026-01-01", "lines": lines}) + "\n" for n in range(3))
    )
    monkeypatch.setenv(
        "AIRFLOW_CONN_HEADRACE_WAREHOUSE", json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "w.db")})
    )
    monkeypatch.setenv("AIRFLOW_VAR_HEADRACE_TOY_ORDERS", json.dumps({"file": str(orders)}))
    settings = OrderSettings(file=str(orders))
    pipeline, warehouse = NotingOrders(settings, None, lambda _: set()), sqlite_warehouse(tmp_path / "w.db")
    (batch,) = pipeline.plan(10)
    attempt = Attempt("toy_orders", "toy_orders", "toy_dag", "run 1", "load", 0, "owner 1", 2)
    line = load_batch(pipeline, batch, attempt, warehouse, settings.engine(), stop=Event())
    returned = {"plan": [batch.to_json()], "load": [line]}
    context: Any = {
        "params": {},
        "dag_run": SimpleNamespace(conf={}, dag_id="toy_dag", run_id="run 1"),
        "ti": SimpleNamespace(xcom_pull=lambda task_ids: returned[task_ids]),
        "outlet_events": {(asset := Asset("headrace://toy")): SimpleNamespace(extra={})},
    }

    report = NotingSummarize(task_id="summarize", outlets=[asset]).execute(context)

    assert report["warnings"] == {"unknown toy_order_lines.sku": 3}
    assert report["empty_in_every_record"] == ["toy_order_lines.sku"]
    assert context["outlet_events"][asset].extra["records_written"] == 3
    assert json.loads(json.dumps(report)) == report


@pytest.mark.parametrize("policy", ["count", "remove"])
def test_where_the_source_was_empty_nobody_looks_for_vanished_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: str
) -> None:
    orders, host = tmp_path / "orders.ndjson", str(tmp_path / "w.db")
    orders.write_text("")
    monkeypatch.setenv("AIRFLOW_CONN_HEADRACE_WAREHOUSE", json.dumps({"conn_type": "sqlite", "host": host}))
    monkeypatch.setenv("AIRFLOW_VAR_HEADRACE_TOY_ORDERS", json.dumps({"file": str(orders), "vanished": policy}))
    context: Any = {
        "params": {},
        "dag_run": SimpleNamespace(conf={}, dag_id="toy_dag", run_id="run 1"),
        "ti": SimpleNamespace(xcom_pull=lambda task_ids: {"plan": [], "load": None}[task_ids]),
    }
    assert OrderPlanOperator(task_id="plan").execute(context) == []
    report = OrderSummarizeOperator(task_id="summarize").execute(context)
    assert (report["records_written"], report["records_vanished"]) == (0, None)
