from __future__ import annotations

import logging
from pathlib import Path

import pytest
from openpyxl import Workbook

from include.connections.files.places import Places
from include.connections.files.roots import LocalRoots
from include.engine.errors import SettingsError
from include.pipelines.csv.planning import check_output_apart
from include.pipelines.csv.settings import CsvSettings
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


def test_the_log_warns_of_formulas_that_nobody_calculated(house: CsvHouse, caplog: pytest.LogCaptureFixture) -> None:
    workbook = Workbook()
    for row in (["Company", "Domain"], ["Acme", "=A2"]):
        workbook.active.append(row)
    workbook.save(house.inbox / "leads.xlsx")
    with caplog.at_level(logging.WARNING):
        house.plan(file="leads.xlsx")
    assert "formulas without a stored value are read as empty cells, in 'Domain' (1)" in caplog.text


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
    with pytest.raises(Exception, match="company: no column goes by such a name: say in mapping which it is"):
        house.plan(file="odd.csv")


@pytest.mark.parametrize("place", ["inbox", "inbox/done", "inbox/../inbox", "link"])
def test_an_output_folder_within_the_inbox_is_refused_whatever_the_run_reads(house: CsvHouse, place: str) -> None:
    house.write(1)
    (house.inbox / "done").mkdir()
    (house.folder / "link").symlink_to(house.inbox)
    settings = {"inbox": str(house.inbox), "output_folder": house.folder / place}
    for file in (None, "leads.csv"):
        with pytest.raises(SettingsError, match="output_folder lies within inbox"):
            house.plan(file=file, **settings)
    with pytest.raises(SettingsError, match="output_folder lies within inbox"):
        house.pipeline(**settings).check()


def test_an_output_folder_beside_the_inbox_or_above_it_is_none_within(house: CsvHouse) -> None:
    house.write(1)
    (house.folder / "inbox-done").mkdir()
    for folder in (house.folder, house.folder / "inbox-done"):
        assert len(house.plan(inbox=str(house.inbox), file=None, output_folder=folder)) == 1


@pytest.mark.parametrize(
    ("inbox", "output", "within"),
    [
        ("s3://leads/in", "s3://leads/in/", True),
        ("s3://leads/in/", "s3://leads/in/done/", True),
        ("s3://leads/in", "s3://leads/in-done/", False),
        ("s3://leads/in/", "s3://other/in/", False),
        ("s3://leads/in/", "s3://leads/", False),
    ],
)
def test_of_prefixes_too(house: CsvHouse, inbox: str, output: str, within: bool) -> None:
    settings = CsvSettings(inbox=inbox, output_folder=output, s3_conn_id="s3")
    told: list[str] = []
    try:
        check_output_apart(settings, Places(LocalRoots([house.inbox]), None))
    except SettingsError as error:
        told.append(str(error))
    assert bool(told) is within
