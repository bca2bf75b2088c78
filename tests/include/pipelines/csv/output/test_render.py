# ruff: noqa: DTZ001 - a worksheet knows no time zones
from __future__ import annotations

import csv
import io
import tempfile
import threading
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from include.connections.files.folder import FileFolder, LocalFolder, ObjectFolder
from include.connections.files.object_names import ObjectName
from include.connections.files.objects import ObjectStore
from include.engine.errors import BatchStopped, FatalError, SourceChanged
from include.pipelines.csv.input.plans import TableOptions, TablePlan
from include.pipelines.csv.input.tables import plan_table
from include.pipelines.csv.output import sheet_writer
from include.pipelines.csv.output.finished import FinishedRow
from include.pipelines.csv.output.options import OutputOptions
from include.pipelines.csv.output.render import Rendered, output_kind, render_table
from tests.fixtures.object_store import ObjectServer
from tests.include.pipelines.csv.table_files import TableFiles, everything

GENERATED = ["summary", "body"]
HEADER = ["company", "n"]


def render(
    files: TableFiles,
    plan: TablePlan,
    finished: list[FinishedRow],
    folder: FileFolder | None = None,
    stop: threading.Event | None = None,
    **options: Any,
) -> Rendered:
    return render_table(
        files.places,
        everything(plan),
        iter(finished),
        generated=GENERATED,
        options=OutputOptions(**options),
        folder=folder or LocalFolder(files.folder, "output_folder"),
        name="out",
        stop=stop or threading.Event(),
    )


def done(plan: TablePlan, **values: str) -> list[FinishedRow]:
    return [FinishedRow(number, values) for number in range(1, plan.rows + 1)]


def read_csv(files: TableFiles, codec: str = "utf-8", delimiter: str = ",") -> list[list[str]]:
    text = (files.folder / "out").read_bytes().decode(codec)
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def opened(path: Path) -> Any:
    return load_workbook(io.BytesIO(path.read_bytes())).active


def sheet_of(path: Path) -> list[list[tuple[Any, str, str]]]:
    sheet = opened(path)
    return [[(cell.value, cell.data_type, cell.number_format) for cell in row] for row in sheet.iter_rows()]


def test_the_generated_columns_and_the_error_follow_the_original_ones_in_the_order_of_the_input(
    files: TableFiles,
) -> None:
    plan = files.plan(b'company,n\n"A, Inc",1\nB,2\nragged\n')
    finished = [
        FinishedRow(1, {"body": "hi\nthere", "summary": "s"}),
        FinishedRow(2, {"summary": "s"}, "api.refused", "the model gave no text"),
        FinishedRow(3),
    ]
    rendered = render(files, plan, finished)
    assert (rendered.rows, rendered.failed, rendered.how) == (3, 2, "CSV in utf-8")
    assert read_csv(files) == [
        ["company", "n", "summary", "body", "error"],
        ["A, Inc", "1", "s", "hi\nthere", ""],
        ["B", "2", "s", "", "api.refused: the model gave no text"],
        ["ragged", "", "", "", "csv.ragged: line 4: the row has 1 cells, the header 2"],
    ]


def test_columns_that_were_not_asked_for_are_left_out(files: TableFiles) -> None:
    plan = files.plan(b"a,b,c\n1,2,3\n")
    render(files, plan, done(plan), columns=("c", "a"))
    assert read_csv(files) == [["a", "c", "summary", "body", "error"], ["1", "3", "", "", ""]]


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(
    table=st.lists(st.lists(CELL, min_size=2, max_size=2), min_size=1, max_size=6),
    delimiter=st.sampled_from(",;\t|"),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
    blank=st.booleans(),
)
def test_what_came_in_goes_out_byte_for_byte_beside_what_was_generated(
    files: TableFiles, codec: str, table: list[list[str]], delimiter: str, newline: str, blank: bool
) -> None:
    lines = [_line(row, delimiter) for row in [HEADER, *table]]
    plan = files.plan(newline.join([*lines[:-1], *([""] * blank), lines[-1], ""]).encode(codec), delimiter=delimiter)
    render(files, plan, done(plan))
    empty = delimiter * (len(GENERATED) + 1)
    header = lines[0] + delimiter + delimiter.join([*GENERATED, "error"])
    rows = [f"{line}{empty}" for line in lines[1:]]
    expected = newline.join([header, *rows[:-1], *([""] * blank), rows[-1], ""])
    assert (files.folder / "out").read_bytes() == expected.encode(codec)


def _line(cells: list[str], delimiter: str) -> str:
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter).writerow(cells)
    return file.getvalue().removesuffix("\r\n")


def test_texts_that_the_encoding_cannot_hold_make_the_file_utf_8(files: TableFiles) -> None:
    plan = files.plan("company;n\r\nMüller;1\r\n".encode("cp1252"))
    assert render(files, plan, done(plan, body="fits \u20ac too")).how == "CSV in cp1252"
    assert read_csv(files, "cp1252", ";")[1] == ["Müller", "1", "", "fits \u20ac too", ""]
    assert render(files, plan, done(plan, body="\u2713")).how == (
        "CSV in utf-8, since cp1252 does not hold all characters"
    )
    assert (files.folder / "out").read_bytes().startswith(b"\xef\xbb\xbf")
    assert read_csv(files, "utf-8-sig", ";")[1] == ["Müller", "1", "", "\u2713", ""]


def test_encoding_delimiter_and_kind_may_be_asked_for(files: TableFiles) -> None:
    plan = files.plan(b"company,n\nA,1\n")
    render(files, plan, done(plan, body="x"), encoding="utf-16", delimiter="\\t")
    assert read_csv(files, "utf-16", "\t")[1] == ["A", "1", "", "x", ""]
    assert output_kind(plan.form, OutputOptions()) == "csv"
    assert output_kind(plan.form, OutputOptions(kind="xlsx")) == "xlsx"
    render(files, plan, done(plan, body="x"), kind="xlsx")
    assert [value for value, *_ in sheet_of(files.folder / "out")[1]] == ["A", "1", None, "x", None]


@pytest.mark.parametrize(("original", "generated"), [(False, True), (True, False)])
def test_formulas_are_neutralised_where_that_is_asked_for(files: TableFiles, original: bool, generated: bool) -> None:
    plan = files.plan(b"=company,n\n=A1,-5\n")
    ways = {"neutralise_original": original, "neutralise_generated": generated}
    render(files, plan, done(plan, body="=B1\0\ud800"), **ways)
    body = "=B1\ufffd\ufffd"
    assert read_csv(files)[0][0] == ("'=company" if original else "=company")
    assert read_csv(files)[1] == ["'=A1" if original else "=A1", "-5", "", f"'{body}" if generated else body, ""]
    render(files, plan, done(plan, body="=B1"), kind="xlsx", **ways)
    row = list(opened(files.folder / "out").iter_rows())[1]
    assert [(cell.value, cell.data_type, cell.quotePrefix) for cell in (row[0], row[3])] == [
        ("=A1", "s", original),
        ("=B1", "s", generated),
    ]


def test_a_file_of_another_delimiter_has_no_formula_within_a_generated_text(files: TableFiles) -> None:
    plan = files.plan(b"company;n\nA,=1;5\n")
    render(files, plan, done(plan, body="Hi,=HYPERLINK(0)"))
    assert read_csv(files, delimiter=";")[1] == ["A,=1", "5", "", "Hi,'=HYPERLINK(0)", ""]


MOMENTS = st.datetimes(datetime(1901, 1, 1), datetime(2100, 1, 1)).map(lambda at: at.replace(microsecond=0))
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"))
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**15), 10**15),
    st.floats(-1e300, 1e300),
    TEXTS.filter(bool),
    st.sampled_from(["=1+1", "#N/A", "-5", "007", " a ", "a\r\nb\tc", "_x000D_", "x" * 32_767]),
    MOMENTS,
    st.times().map(lambda at: at.replace(microsecond=0)),
    st.timedeltas(timedelta(), timedelta(days=999)).map(lambda span: timedelta(seconds=int(span.total_seconds()))),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(table=st.lists(st.lists(VALUES, min_size=2, max_size=2), min_size=1, max_size=5), text=st.booleans())
def test_a_sheet_that_goes_out_is_the_one_that_came_in_cell_by_cell(
    files: TableFiles, table: list[list[Any]], text: bool
) -> None:
    workbook = Workbook()
    sheet = workbook.active
    for place, row in enumerate([HEADER, *table], 1):
        for column, value in enumerate(row, 1):
            cell = sheet.cell(place, column, value)
            if isinstance(value, str) and (text or value.startswith("=")):
                cell.data_type = "s"
            elif isinstance(value, float):
                cell.value, cell.number_format = repr(value), "0.00 %"
                cell.data_type = "n"
    workbook.save(files.folder / "table")
    plan = plan_table(files.places, "table", TableOptions(), 100)
    assume(plan.rows)
    rendered = render(files, plan, done(plan, body="x"))
    assert rendered.how == "XLSX"
    came, went = sheet_of(files.folder / "table"), sheet_of(files.folder / "out")
    last = max(place for place, row in enumerate(came) if any(value is not None for value, *_ in row))
    assert [row[:2] for row in went] == [_padded(row) for row in came[: last + 1]]


def _padded(row: list[tuple[Any, str, str]]) -> list[tuple[Any, str, str]]:
    """Of an empty cell no format is kept."""
    return [cell if cell[0] is not None else (None, "n", "General") for cell in row[:2]]


def test_dates_and_numbers_of_a_sheet_become_text_in_csv(files: TableFiles) -> None:
    plan = files.plan_sheet([HEADER, [datetime(2026, 1, 2), 1.5], [time(3, 4), True]])
    assert render(files, plan, done(plan), kind="csv").how == "CSV in utf-8"
    assert [row[:2] for row in read_csv(files, "utf-8-sig")] == [HEADER, ["2026-01-02", "1.5"], ["03:04:00", "TRUE"]]


def test_what_a_sheet_cannot_hold_is_cut_and_said_or_refused(
    files: TableFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = files.plan(b"company,n\nA,1\nB,2\n")
    rendered = render(files, plan, done(plan, body="\U0001f600" * 20_000), kind="xlsx")
    assert rendered.how == "XLSX, 2 cells cut after 32767 characters"
    body = sheet_of(files.folder / "out")[1][3][0]
    assert body == "\U0001f600" * 16_383 + "…"
    monkeypatch.setattr(sheet_writer, "MAX_ROWS", 2)
    with pytest.raises(FatalError, match="more rows than the 2 of a worksheet: write it as CSV"):
        render(files, plan, done(plan), kind="xlsx")


@pytest.mark.parametrize(
    ("numbers", "fault"),
    [
        ([1, 3, 4], "1 of 4 rows are not settled, the first is row 2"),
        ([1], "3 of 4 rows are not settled, the first is row 2"),
        ([], "4 of 4 rows are not settled, the first is row 1"),
        ([1, 1, 2, 3, 4], "row 1 is committed twice, out of order"),
        ([1, 2, 4, 3], "row 3 is committed twice, out of order"),
        ([0, 1, 2, 3, 4], "row 0 is committed twice, out of order, or no row"),
        ([1, 2, 3, 4, 5], "row 5 is committed twice, out of order, or no row"),
    ],
)
def test_rows_that_are_missing_double_or_foreign_are_an_error_and_the_old_file_stays(
    files: TableFiles, numbers: list[int], fault: str
) -> None:
    plan = files.plan(b"a\n1\n2\n3\n4\n")
    (files.folder / "out").write_bytes(b"old")
    with pytest.raises(FatalError, match=fault):
        render(files, plan, [FinishedRow(number) for number in numbers])
    assert (files.folder / "out").read_bytes() == b"old"
    assert sorted(path.name for path in files.folder.iterdir()) == ["out", "table"]


def test_nothing_is_written_after_the_first_row_that_is_missing_since_the_file_is_given_up(
    files: TableFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = files.plan(b"a\n1\n2\n3\n4\n")
    monkeypatch.setattr(sheet_writer, "MAX_ROWS", 2)
    finished = [FinishedRow(number) for number in (1, 3, 4)]
    with pytest.raises(FatalError, match="1 of 4 rows are not settled, the first is row 2"):
        render(files, plan, finished, kind="xlsx")


def test_a_run_that_is_told_to_stop_and_a_file_that_changed_leave_the_old_file(files: TableFiles) -> None:
    plan = files.plan(b"a\n1\n")
    (files.folder / "out").write_bytes(b"old")
    stop = threading.Event()
    stop.set()
    with pytest.raises(BatchStopped):
        render(files, plan, done(plan), stop=stop)
    (files.folder / "table").write_bytes(b"a\n2\n")
    with pytest.raises(SourceChanged):
        render(files, plan, done(plan))
    assert (files.folder / "out").read_bytes() == b"old"


@pytest.mark.parametrize("rows", [1, 2])
def test_a_sheet_that_is_given_up_leaves_nothing_behind(
    files: TableFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    plan = files.plan(b"a\n1\n2\n")
    with pytest.raises(FatalError):
        render(files, plan, done(plan)[2 - rows : 1], kind="xlsx")
    render(files, plan, done(plan), kind="xlsx")
    assert list(temporary.iterdir()) == []


def test_a_file_is_put_into_s3_under_its_name(files: TableFiles, s3: ObjectServer) -> None:
    plan = files.plan(b"a\n1\n")
    folder = ObjectFolder(ObjectStore(s3.client(), []), ObjectName("cases", "out/"), "output_folder")
    for body in ("first", "second"):
        render(files, plan, done(plan, body=body), folder)
    assert s3.keys("out/") == ["out/out"]
    assert s3.get("out/out") == b"a,summary,body,error\n1,,second,\n"
