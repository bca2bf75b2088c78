from __future__ import annotations

from dataclasses import replace

import pytest

from include.engine.model import Batch, KeyListRange, RowRange
from include.pipelines.csv.input.forms import CsvForm, SheetForm, form_text
from include.pipelines.csv.merge import complete_tables, output_name
from include.pipelines.csv.output.options import OutputOptions

CSV = RowRange("/in/leads.csv", "sha256:x 7", form_text(CsvForm("utf-8", 0, ",", "\n", 9)), 0, 10, 9, 90, 2)
SHEET = RowRange("s3://rows/in/my leads.xlsx", "e 7", form_text(SheetForm(0)), 0, 10, 0, 0, 2)


@pytest.mark.parametrize(
    ("part", "options", "start", "end"),
    [
        (CSV, OutputOptions(), "leads.", ".enriched.csv"),
        (CSV, OutputOptions(kind="xlsx"), "leads.", ".enriched.xlsx"),
        (SHEET, OutputOptions(), "my_leads.", ".enriched.xlsx"),
        (replace(CSV, uri="/in/" + "x" * 300 + ".csv"), OutputOptions(), "x" * 100 + ".", ".enriched.csv"),
    ],
)
def test_the_output_is_named_after_its_input(part: RowRange, options: OutputOptions, start: str, end: str) -> None:
    name = output_name(part, options)
    assert name.startswith(start)
    assert name.endswith(end)
    assert len(name) == len(start) + 8 + len(end)


def test_files_of_one_name_in_two_folders_have_two_outputs_and_another_state_of_a_file_the_same() -> None:
    assert output_name(CSV, OutputOptions()) != output_name(replace(CSV, uri="/in/b/leads.csv"), OutputOptions())
    assert output_name(CSV, OutputOptions()) == output_name(replace(CSV, pin="sha256:y 7"), OutputOptions())


def test_two_sheets_of_a_workbook_have_two_outputs() -> None:
    assert output_name(SHEET, OutputOptions()) != output_name(
        replace(SHEET, form=form_text(SheetForm(1))), OutputOptions()
    )


def test_a_table_is_complete_when_all_its_batches_are_done() -> None:
    batches = [
        Batch(0, replace(CSV, last=5, end=50), 5),
        Batch(1, replace(CSV, first=5, start=50, line=7), 5),
        Batch(2, SHEET, 10),
        Batch(3, KeyListRange("mine", 0, 4), 4),
    ]
    assert complete_tables(batches, {0, 1}) == ([CSV], [SHEET.uri])
    assert complete_tables(batches, {0, 2}) == ([SHEET], [CSV.uri])
    assert complete_tables(batches, {0, 1, 2, 3}) == ([CSV, SHEET], [])
