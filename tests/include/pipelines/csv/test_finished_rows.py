from __future__ import annotations

from pathlib import Path

import pytest

from include.engine.model import RowRange
from include.pipelines.csv import finished_rows as module
from include.pipelines.csv.finished_rows import finished_rows
from include.pipelines.csv.output.finished import FinishedRow
from include.warehouse.connection import Warehouse
from tests.fixtures.csv_task import OWN_STEP
from tests.include.pipelines.csv.house import CsvHouse, lead


def test_rows_come_in_their_order_page_by_page_within_the_range_alone(
    tmp_path: Path, exact_warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 7)
    house = CsvHouse(tmp_path, exact_warehouse, None)
    house.settings["steps"] = (OWN_STEP,)
    house.write([lead(1), ["ragged"], *(lead(number) for number in range(3, 121))])
    house.write(30, "other.csv")
    house.load(file="other.csv")
    batches = house.plan(batch_size=60)
    for batch in batches:
        house.load(batch)
    pipeline = house.pipeline()

    def found(part: RowRange) -> list[FinishedRow]:
        return list(finished_rows(exact_warehouse, pipeline.name, pipeline.target, part))

    first, second = (batch.part for batch in batches)
    assert isinstance(first, RowRange)
    assert isinstance(second, RowRange)
    assert [row.number for row in found(first)] == list(range(1, 61))
    assert [row.number for row in found(second)] == list(range(61, 121))
    assert found(first)[2].values == {"email_body": "We know Company 3.", "score": "3"}
    bad = found(first)[1]
    assert (bad.values, bad.code) == ({}, "csv.ragged")
    assert bad.error == "csv.ragged: line 3: the row has 1 cells, the header 2"
