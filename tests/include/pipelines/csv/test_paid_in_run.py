from __future__ import annotations

from pathlib import Path

from include.pipelines.csv.paid_in_run import paid_in_run
from include.sandbox.web_apis import WebApis
from include.warehouse.connection import Warehouse
from include.warehouse.runs import Run, start_run
from include.warehouse.schema import prepare
from tests.include.pipelines.csv.house import CsvHouse


def test_what_was_paid_since_the_plan_is_counted_by_service(tmp_path: Path, warehouse: Warehouse) -> None:
    with WebApis() as apis:
        house = CsvHouse(tmp_path, warehouse, apis.origin)
        house.write(3)
        pipeline = house.pipeline()
        prepare(warehouse, pipeline.name, pipeline.target)
        first, second = (Run(pipeline.name, pipeline.target.name, "d", run) for run in ("first", "second"))
        assert paid_in_run(warehouse, first) == {}
        start_run(warehouse, first, [])
        house.load()
        start_run(warehouse, second, [])
    paid = paid_in_run(warehouse, first)
    assert {name: counts["calls"] for name, counts in paid.items()} == {"search": 3, "model": 3}
    assert paid["model"]["tokens"] > paid["search"]["tokens"] == 0
    assert paid_in_run(warehouse, second) == {}
