from __future__ import annotations

import io
import zipfile
from datetime import datetime

import pytest
from openpyxl import Workbook

from include.engine.errors import SettingsError
from include.pipelines.csv.input import plans, shared_texts, sheet_table, worksheet
from include.pipelines.csv.input.cells import cell_text
from include.pipelines.csv.input.forms import SheetForm
from include.pipelines.csv.input.plans import TableOptions
from include.pipelines.csv.input.tables import plan_table
from tests.fixtures.sheet_files import write_shared
from tests.include.pipelines.csv.table_files import TableFiles

HEADER = ["company", "founded", "staff"]


def saved(files: TableFiles, workbook: Workbook) -> None:
    workbook.save(files.folder / "table")


def test_rows_are_read_by_range_with_their_row_in_the_sheet(files: TableFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "SMALL_ROWS", 0)
    moment = datetime(2026, 1, 2)  # noqa: DTZ001 - a worksheet knows no time zones
    plan = files.plan_sheet([[], HEADER, ["A", moment, 3], [], ["B"], ["C", None, 1.5], ["D"]], 2)
    assert (plan.header, plan.form, plan.rows) == (tuple(HEADER), SheetForm(0), 4)
    assert plan.found == "XLSX, sheet 1 (the first visible)"
    assert [batch.planned_records for batch in plan.batches] == [2, 2]
    rows = [row for batch in plan.batches for row in files.read(batch)]
    assert rows == files.rows(plan)
    assert [(row.number, row.line, row.blanks) for row in rows] == [(1, 3, 0), (2, 5, 1), (3, 6, 0), (4, 7, 0)]
    texts = [[cell_text(cell) for cell in row.cells] for row in rows]
    assert texts == [["A", "2026-01-02", "3"], ["B", "", ""], ["C", "", "1.5"], ["D", "", ""]]


def test_a_value_beyond_the_header_rejects_its_row_only(files: TableFiles) -> None:
    plan = files.plan_sheet([HEADER, ["A", None, None, "x"], ["B"]])
    assert plan.faulty == {"csv.ragged": 1}
    assert [str(row.fault) for row in files.rows(plan)] == [
        "csv.ragged: line 2: the row has 4 cells, the header 3",
        "None",
    ]


def test_few_batches_read_a_sheet_since_each_begins_at_its_top(
    files: TableFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheet_table, "MAX_SHEET_BATCHES", 5)
    plan = files.plan_sheet([["a"], *([str(n)] for n in range(120))], 10)
    assert [batch.planned_records for batch in plan.batches] == [40, 40, 40]


def test_a_sheet_is_chosen_by_name_or_the_first_that_is_visible(files: TableFiles) -> None:
    workbook = Workbook()
    for title in ("hidden", "first", "second"):
        workbook.create_sheet(title).append([title])
    del workbook["Sheet"]
    workbook["hidden"].sheet_state = "hidden"
    saved(files, workbook)
    assert [
        plan_table(files.places, "table", TableOptions(sheet=name), 10).header for name in (None, "second", "hidden")
    ] == [("first",), ("second",), ("hidden",)]
    with pytest.raises(SettingsError, match="sheet: there is no 'third', but 'hidden', 'first', 'second'"):
        plan_table(files.places, "table", TableOptions(sheet="third"), 10)


def test_a_formula_is_the_value_that_was_stored_with_it(files: TableFiles) -> None:
    workbook = Workbook()
    workbook.active.append(["a", "b"])
    workbook.active.append(["=1+1", 7])
    file = io.BytesIO()
    workbook.save(file)
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(files.folder / "table", "w") as new:
        for name in old.namelist():
            new.writestr(
                name,
                old.read(name)
                .replace(b"<f>1+1</f><v></v>", b"<f>1+1</f><v>2</v>")
                .replace(b"<f>1+1</f><v/>", b"<f>1+1</f><v>2</v>"),
            )
    plan = plan_table(files.places, "table", TableOptions(), 10)
    assert [cell_text(cell) for cell in files.rows(plan)[0].cells] == ["2", "7"]


def test_texts_that_cells_share_are_read_too_whole_without_how_they_are_pronounced(files: TableFiles) -> None:
    texts = ["<t>=shared</t>", "<r><t>in </t></r><r><rPr><b/></rPr><t>runs</t></r><rPh sb='0' eb='1'><t>no</t></rPh>"]
    write_shared(files.folder / "table", ["a", "b"], [row("s:0", "s:1")], texts)
    assert texts_of(files) == [["=shared", "in runs"]]


def row(*cells: str) -> str:
    """`type:value` of each, in XML."""
    made = ('<c t="{}"><v>{}</v></c>'.format(*cell.split(":")) for cell in cells)
    return f"<row>{''.join(made)}</row>"


def texts_of(files: TableFiles) -> list[list[str]]:
    plan = plan_table(files.places, "table", TableOptions(), 10)
    return [[cell_text(cell) for cell in row.cells] for row in files.rows(plan)]


def test_shared_texts_beyond_what_memory_is_for_them_are_on_disk(
    files: TableFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_texts, "MEMORY_BYTES", 10)
    texts = [f"<t>té\U0001f600 {number}</t>" for number in range(50)]
    write_shared(files.folder / "table", ["a"], [row(f"s:{number}") for number in reversed(range(50))], texts)
    assert texts_of(files) == [[f"té\U0001f600 {number}"] for number in reversed(range(50))]


@pytest.mark.parametrize("number", ["1", "-1"])
def test_a_shared_text_that_is_not_there_is_a_fault_of_the_sheet(files: TableFiles, number: str) -> None:
    write_shared(files.folder / "table", ["a"], [row(f"s:{number}")], ["<t>x</t>"])
    with pytest.raises(SettingsError, match="file: row 2 of the sheet is broken"):
        plan_table(files.places, "table", TableOptions(), 10)


def test_a_cell_with_an_empty_text_holds_nothing(files: TableFiles) -> None:
    rows = [row("s:1", "s:0", "s:0"), row("s:0", "s:0"), row("s:1")]
    write_shared(files.folder / "table", ["a", "b"], rows, ["<t></t>", "<t>x</t>"])
    assert texts_of(files) == [["x", ""], ["x", ""]]
    with_empty_names = [row("s:1", "s:0")]
    write_shared(files.folder / "table", ["a", ""], with_empty_names, ["<t></t>", "<t>x</t>"])
    assert texts_of(files) == [["x"]]


def test_rows_out_of_order_are_a_fault_of_the_sheet_since_one_of_them_would_be_lost(files: TableFiles) -> None:
    write_shared(
        files.folder / "table", ["a"], ['<row r="3"><c><v>1</v></c></row>', '<row r="2"><c><v>2</v></c></row>'], []
    )
    with pytest.raises(SettingsError, match="file: row 4 of the sheet is broken"):
        plan_table(files.places, "table", TableOptions(), 10)


def test_formulas_without_a_stored_value_are_counted_by_column_and_make_no_row_vanish(files: TableFiles) -> None:
    rows = [
        "<row><c><f>A1</f><v></v></c><c><v>1</v></c></row>",
        "<row><c><f>A1</f></c></row>",
        '<row><c t="str"><f>IF(TRUE,"")</f><v></v></c></row>',
        "<row><c><v>1</v></c><c><f>A1</f><v>2</v></c></row>",
    ]
    write_shared(files.folder / "table", ["a", "b"], rows, [])
    plan = plan_table(files.places, "table", TableOptions(), 10)
    (warning,) = plan.warnings
    assert "without a stored value are read as empty cells, in 'a' (2): open the workbook" in warning
    assert texts_of(files) == [["", "1"], ["", ""], ["1", "2"]]
    write_shared(files.folder / "table", ["a", "b"], rows[2:], [])
    assert plan_table(files.places, "table", TableOptions(), 10).warnings == ()


def test_a_sheet_that_claims_more_rows_than_there_can_be_is_refused(
    files: TableFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worksheet, "MAX_ROWS", 3)
    assert files.plan_sheet([["a"], ["1"], ["2"]]).rows == 2
    with pytest.raises(SettingsError, match="file: the sheet has rows beyond the 3"):
        files.plan_sheet([["a"], ["1"], [], ["2"]])


def test_a_header_may_be_numbers_and_must_be_there(files: TableFiles) -> None:
    assert files.plan_sheet([["a", 2026]]).header == ("a", "2026")
    with pytest.raises(SettingsError, match="header: column 2 has no name"):
        files.plan_sheet([["a", None, "b"]])
    with pytest.raises(SettingsError, match="file: the sheet is empty"):
        files.plan_sheet([])


def test_what_would_unpack_to_too_much_is_refused_and_what_is_broken_shows_no_value(
    files: TableFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = files.plan_sheet([["a", "b"], ["secret", 1]])
    content = (files.folder / "table").read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(files.folder / "table", "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"<v>1</v>", b"<v>secret</v>"))
    with pytest.raises(SettingsError, match="file: row 2 of the sheet is broken") as caught:
        plan_table(files.places, "table", TableOptions(), 10)
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__
    monkeypatch.setattr(worksheet, "MAX_OTHER_BYTES", 10)
    with pytest.raises(SettingsError, match="10 are allowed: save it as CSV"):
        files.plan_sheet([["a", "b"], ["secret", 1]])
    assert plan.rows == 1
