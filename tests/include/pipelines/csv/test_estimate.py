from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from include.engine.errors import TransientError
from include.pipelines.csv.estimate import SAMPLE_ROWS
from include.sandbox.web_apis import WebApis
from include.warehouse.connection import Warehouse
from include.warehouse.schema import prepare
from tests.fixtures.csv_task import OWN_STEP, LocalStep
from tests.include.pipelines.csv.house import CsvHouse, lead


@pytest.fixture
def house(tmp_path: Path, warehouse: Warehouse) -> CsvHouse:
    return CsvHouse(tmp_path, warehouse, "http://127.0.0.1:1")


def estimate(house: CsvHouse, **settings: Any) -> dict[str, Any]:
    pipeline = house.pipeline(dry_run=True, **settings)
    prepare(house.warehouse, pipeline.name, pipeline.target)
    assert pipeline.plan(1000) == []
    assert pipeline.estimate is not None
    return pipeline.estimate


def test_calls_are_those_of_the_sample_scaled_and_rows_of_one_domain_share_theirs(house: CsvHouse) -> None:
    house.write([lead(number // 4) for number in range(200)])
    found = estimate(house)
    assert (found["rows"], found["rows_sampled"]) == (200, SAMPLE_ROWS)
    assert found["calls"] == {"search": 50, "model": 50}


def test_rows_that_will_be_rejected_count_as_such(house: CsvHouse) -> None:
    house.write([["", ""], *[lead(number) for number in range(8)], ["ragged"]])
    found = estimate(house)
    assert (found["rows"], found["rows_faulty"], found["sampled_rejected"]) == (9, 1, 1)
    assert found["calls"] == {"search": 8, "model": 8}


def test_cost_is_told_where_all_prices_are_known_and_else_whose_are_not(house: CsvHouse) -> None:
    house.write(100)
    assert estimate(house)["price_unknown"] == ["model", "search"]
    house.extras["search"] = {"price_per_1000_calls": 2.0}
    house.extras["model"] |= {"price_per_million_prompt_tokens": 1.0, "price_per_million_answer_tokens": 3.0}
    found = estimate(house)
    tokens = found["prompt_tokens"] * 1.0 + found["answer_tokens_at_most"] * 3.0
    assert found["answer_tokens_at_most"] == 100 * 400
    assert found["cost"] == pytest.approx(0.2 + tokens / 1_000_000, abs=0.001)


@pytest.mark.parametrize(
    ("extra", "minutes"),
    [({}, 100 * 3 / 10 / 60), ({"requests_per_minute": 4}, 25.0), ({"requests_per_day": 50}, 2880)],
)
def test_minutes_are_those_of_the_workers_or_of_the_quota_that_takes_longest(
    house: CsvHouse, extra: Any, minutes: float
) -> None:
    house.write(100)
    house.extras["search"] = extra
    assert estimate(house, workers=10)["minutes"] == pytest.approx(minutes, abs=0.01)


def test_what_is_in_the_store_is_not_counted_unless_it_is_paid_again(tmp_path: Path, warehouse: Warehouse) -> None:
    with WebApis() as apis:
        house = CsvHouse(tmp_path, warehouse, apis.origin)
        house.write(10)
        house.load()
        calls = len(apis.log.calls())
        assert estimate(house)["calls"] == {"search": 0, "model": 0}
        assert estimate(house)["sampled_found"] == {"search": 10, "model": 10}
        assert estimate(house, force=True)["calls"] == {"search": 10, "model": 10}
        assert len(apis.log.calls()) == calls


def test_several_rows_of_one_request_are_one_call(house: CsvHouse) -> None:
    house.write(100)
    house.extras["model"] |= {"structured": "json_schema", "rows_per_request": 10}
    assert estimate(house)["calls"] == {"search": 100, "model": 10}


def test_no_rows_cost_nothing(house: CsvHouse) -> None:
    house.write(0)
    found = estimate(house)
    assert (found["rows"], found["calls"], found["minutes"]) == (0, {"search": 0, "model": 0}, 0.0)


def test_what_may_pass_fails_the_plan_so_that_it_is_tried_again(
    house: CsvHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*_: Any) -> dict[str, str]:
        raise TransientError("the CRM is restarted")

    monkeypatch.setattr(LocalStep, "run", run)
    house.write(3)
    with pytest.raises(TransientError, match="the CRM is restarted"):
        estimate(house, steps=(OWN_STEP,))
