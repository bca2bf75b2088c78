from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.connections.files.objects import ObjectStore
from include.connections.files.pinned import FilePin
from include.connections.files.places import Places
from include.connections.files.roots import LocalRoots
from include.engine.errors import SettingsError, SourceChanged
from include.engine.plan import MAX_BATCHES
from include.pipelines.csv.input import plans
from include.pipelines.csv.input.forms import CsvForm
from include.pipelines.csv.input.plans import SMALL_ROWS, TableOptions
from include.pipelines.csv.input.tables import open_table, plan_table
from tests.fixtures.object_store import ObjectServer
from tests.include.pipelines.csv.table_files import TableFiles, everything, part_of

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[5]
HEADER = ["company", "domain", "first name"]


def written(rows: list[list[str]], delimiter: str = ",", newline: str = "\r\n") -> str:
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter, lineterminator=newline, quoting=csv.QUOTE_ALL).writerows(rows)
    return file.getvalue()


@contextmanager
def every_size_counts() -> Iterator[None]:
    """Tables of a few rows are cut into batches too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plans, "SMALL_ROWS", 0)
        yield


CELL = st.text(st.sampled_from('ab,;"\n\r\té\U0001f600 =\u2028'), max_size=6)
TABLE = st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=12)


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "gb18030"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(table=TABLE, delimiter=st.sampled_from(",;\t|"), newline=st.sampled_from(["\n", "\r\n", "\r"]), data=st.data())
def test_every_row_is_in_one_range_and_ranges_give_what_the_whole_does(
    files: TableFiles, codec: str, table: list[list[str]], delimiter: str, newline: str, data: st.DataObject
) -> None:
    content = written([HEADER, *table], delimiter, newline).encode(codec)
    given_encoding = None if codec.startswith("utf") else codec
    with every_size_counts():
        plan = files.plan(content, data.draw(st.integers(1, 4)), delimiter=delimiter, encoding=given_encoding)
    assert plan.header == tuple(HEADER)
    assert (plan.rows, plan.faulty) == (len(table), {})
    by_range = [row for batch in plan.batches for row in files.read(batch)]
    assert by_range == files.rows(plan)
    assert [row.number for row in by_range] == list(range(1, len(table) + 1))
    assert [list(row.cells) for row in by_range] == table
    assert sum(batch.planned_records for batch in plan.batches) == len(table)


BROKEN = st.text(st.sampled_from('ab,",\n\n\r\0\x00é'), max_size=80)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(text=BROKEN, bad=st.booleans(), size=st.integers(1, 3))
def test_whatever_is_broken_ranges_give_what_the_whole_does(files: TableFiles, text: str, bad: bool, size: int) -> None:
    content = b"a,b\n" + text.encode("cp1252" if bad else "utf-8")
    with every_size_counts():
        plan = files.plan(content, size, delimiter=",")
    if plan.batches:
        by_range = [row for batch in plan.batches for row in files.read(batch)]
        faults = [row.fault for row in by_range if row.fault]
        assert [str(row) for row in by_range] == [str(row) for row in files.rows(plan)]
        assert len(by_range) == plan.rows
        assert len(faults) == sum(plan.faulty.values())
        assert {fault.code for fault in faults} == set(plan.faulty)


@pytest.mark.parametrize(
    ("sound", "broken", "codec"), [(1, 0, "utf-8"), (1, 1, "utf-8"), (1, 2, "cp1252"), (2, 2, "utf-8")]
)
def test_as_many_broken_rows_as_sound_ones_leave_a_file_utf_8(
    files: TableFiles, sound: int, broken: int, codec: str
) -> None:
    rows = ["Müller,x".encode()] * sound + ["Müller,x".encode("cp1252")] * broken
    form = files.plan(b"\n".join([b"company,n", *rows])).form
    assert isinstance(form, CsvForm)
    assert form.codec == codec


def test_the_line_ends_of_a_file_are_those_after_its_header_and_not_those_within_a_name(files: TableFiles) -> None:
    form = files.plan(b'"Company\nname",domain\r\nA,a.example\r\n').form
    assert isinstance(form, CsvForm)
    assert form.newline == "\r\n"


@pytest.mark.parametrize("delimiter", [";", "\t", ","])
def test_a_line_that_tells_excel_the_delimiter_is_refused_with_what_to_do(files: TableFiles, delimiter: str) -> None:
    with pytest.raises(SettingsError, match="remove that line, give it as delimiter"):
        files.plan(f"sep={delimiter}\r\na{delimiter}b\r\n1{delimiter}2\r\n".encode())


def test_a_small_table_is_one_batch_and_a_large_one_has_no_more_than_a_run_may_have(files: TableFiles) -> None:
    lines = ["a,b", *(f"{n},x" for n in range(3000))]

    def plan(rows: int) -> list[int]:
        content = "\n".join(lines[: rows + 1]).encode()
        return [batch.planned_records for batch in files.plan(content, 10).batches]

    assert plan(SMALL_ROWS - 1) == [SMALL_ROWS - 1]
    assert plan(SMALL_ROWS) == [10] * 10
    assert len(files.plan("\n".join(lines).encode(), 1).batches) <= MAX_BATCHES


def test_a_row_limit_ends_the_plan_and_says_so(files: TableFiles) -> None:
    content = b"a,b\n1,1\n2,2\n3,3\n"
    plan = files.plan(content, row_limit=2)
    assert (plan.rows, plan.limited) == (2, True)
    assert [list(row.cells) for row in files.rows(plan)] == [["1", "1"], ["2", "2"]]
    assert not files.plan(content, row_limit=3).limited
    with pytest.raises(SettingsError, match="row_limit is 0"):
        files.plan(content, row_limit=0)


def test_the_plan_says_how_the_table_is_read(files: TableFiles) -> None:
    plan = files.plan("Firma;Ort\r\nMüller;Köln\r\n".encode("cp1252"))
    assert plan.found == "CSV in cp1252 (guessed), cells parted by ';' (found)"
    assert plan.form == CsvForm("cp1252", 0, ";", "\r\n", 11)
    assert [row.cells for row in files.rows(plan)] == [["Müller", "Köln"]]
    plan = files.plan("a,b\n\u0416,2\n".encode("utf-16"), encoding="utf-16", delimiter=",")
    assert plan.found == "CSV in utf-16-le (given), cells parted by ',' (given)"


def test_one_broken_row_does_not_make_a_utf_8_file_another_one(files: TableFiles) -> None:
    plan = files.plan("a,b\né,1\nö,2\n".encode() + b"\xff,3\n")
    assert plan.found.startswith("CSV in utf-8 (found)")
    rows = files.rows(plan)
    assert [row.cells[0] for row in rows] == ["é", "ö", "\ufffd"]
    assert str(rows[2].fault) == "csv.undecodable: line 4: byte 1 of the line is not utf-8"


def test_ragged_rows_are_rejected_with_their_lines_and_have_the_headers_width(files: TableFiles) -> None:
    plan = files.plan(b'a,b\n1,"x\ny",3\n\n1\n1,2\n')
    rows = files.rows(plan)
    assert plan.faulty == {"csv.ragged": 2}
    assert [str(row.fault) for row in rows] == [
        "csv.ragged: lines 2 to 3: the row has 3 cells, the header 2",
        "csv.ragged: line 5: the row has 1 cells, the header 2",
        "None",
    ]
    assert [list(row.cells) for row in rows] == [["1", "x\ny"], ["1", ""], ["1", "2"]]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "file: it is empty"),
        (b"\n\n", "file: it is empty"),
        (b"a,a\n1,2\n", "header: columns 1 and 2 have the same name"),
        (b'"a,b\n1,2\n', "header: line 1: a quote is not closed"),
        (b"a,\0b\n", "header: line 1: the row holds a NUL"),
        (b"\xd0\xcf\x11\xe0old", "file: an old or an encrypted workbook"),
        (b"PK\x03\x04secret", "file: no workbook that can be read"),
    ],
)
def test_what_is_no_table_is_told_before_anything_is_planned(files: TableFiles, content: bytes, fault: str) -> None:
    with pytest.raises(SettingsError, match=fault) as caught:
        files.plan(content)
    assert "secret" not in str(caught.value)


def test_a_header_without_rows_gives_no_batches(files: TableFiles) -> None:
    assert files.plan(b"a,b\r\n").batches == []


def test_a_path_that_no_batch_has_room_for_is_refused_first(files: TableFiles) -> None:
    with pytest.raises(SettingsError, match="file: the path takes more than 600 bytes"):
        plan_table(files.places, "\u00e9" * 101, TableOptions(), 10)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_file_that_was_changed_since_planning_is_fatal(files: TableFiles, kind: str) -> None:
    rows = [["a", "b"], ["1", "2"]]
    plan = files.plan(b"a,b\n1,2\n") if kind == "csv" else files.plan_sheet(rows)
    with (files.folder / "table").open("ab") as file:
        file.write(b"3,4\n")
    with pytest.raises(SourceChanged, match="trigger a new run"):
        files.rows(plan)


def test_of_an_object_in_s3_a_task_reads_its_own_bytes_only(s3: ObjectServer, folder: Path) -> None:
    content = b"a,b\n" + b"".join(b"%05d,x\n" % n for n in range(20_000))
    etag = s3.put("incoming/a.csv", content)
    client = s3.client()
    ranges: list[str] = []
    client.meta.events.register(
        "before-call.s3.GetObject", lambda params, **_: ranges.append(params["headers"]["Range"])
    )
    places = Places(LocalRoots([folder]), ObjectStore(client, ["s3://cases/incoming/"]))
    plan = plan_table(places, "s3://cases/incoming/a.csv", TableOptions(), 100)
    assert plan.pin == FilePin(etag, len(content))
    ranges.clear()
    with open_table(places, part_of(plan.batches[7])) as table:
        assert [row.cells[0] for row in table.rows] == [f"{n:05d}" for n in range(700, 800)]
    assert ranges == ["bytes=0-3", "bytes=5604-6403"]
    s3.put("incoming/a.csv", content.replace(b"00750", b"x0750"))
    with pytest.raises(SourceChanged, match=r"file\.source_changed"), open_table(places, part_of(plan.batches[7])):
        pass


def test_all_rows_of_a_plan_are_a_range_too(files: TableFiles) -> None:
    plan = files.plan(b"a\n" + b"x\n" * 250, 100)
    part = everything(plan)
    assert (part.first, part.last, part.start, part.end, part.line) == (0, 250, 2, 502, 2)


def measured(folder: Path, rows: int, kind: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.fixtures.table_memory", str(folder), str(rows), kind]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize(("kind", "rows"), [("csv", 200_000), ("xlsx", 40_000)])
def test_very_many_rows_are_planned_read_and_rendered_in_the_memory_of_a_thousand(
    folder: Path, kind: str, rows: int
) -> None:
    small, large = measured(folder, 1_000, kind), measured(folder, rows, kind)
    assert (small["rows"], large["rows"]) == (1_000, rows)
    assert large["batches"] <= MAX_BATCHES
    assert large["peak"] < small["peak"] + 16 * 1024 * 1024
