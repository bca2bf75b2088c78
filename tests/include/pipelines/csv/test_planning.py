from __future__ import annotations

import logging
from pathlib import Path

import pytest

from include.warehouse.connection import Warehouse
from tests.fixtures.csv_task import OWN_STEP
from tests.include.pipelines.csv.house import CsvHouse, lead


@pytest.fixture
def house(tmp_path: Path, warehouse: Warehouse) -> CsvHouse:
    made = CsvHouse(tmp_path, warehouse, None)
    made.settings["steps"] = (OWN_STEP,)
    return made


def test_the_log_says_how_a_file_is_read_and_which_rows_will_be_rejected_and_no_value(
    house: CsvHouse, caplog: pytest.LogCaptureFixture
) -> None:
    house.write([lead(1), ["ragged"], lead(2)])
    with caplog.at_level(logging.INFO):
        house.plan(row_limit=2)
    assert "CSV in utf-8" in caplog.text
    assert "2 rows, more beyond row_limit; company from 'Company' (guessed)" in caplog.text
    assert "1 rows will be rejected: csv.ragged" in caplog.text
    assert "Company 1" not in caplog.text


@pytest.mark.parametrize("rows", [0, 1, 99, 100, 250])
def test_batches_cover_each_row_once_and_few_rows_are_one_batch(house: CsvHouse, rows: int) -> None:
    house.write(rows)
    batches = house.plan(batch_size=40)
    assert sum(batch.planned_records for batch in batches) == rows
    assert len(batches) == (-(-rows // 40) if rows >= 100 else min(1, rows))


def test_a_column_is_mapped_as_given_and_a_field_without_one_is_asked_for(house: CsvHouse) -> None:
    house.write([["Acme"]], "plain.csv")
    (house.inbox / "odd.csv").write_text("Konto\nAcme\n")
    assert len(house.plan(file="odd.csv", mapping={"company": "Konto"})) == 1
    with pytest.raises(Exception, match="company: no column goes by such a name, say which it is"):
        house.plan(file="odd.csv")
