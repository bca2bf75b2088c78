from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from include.pipelines.xml.__main__ import main
from include.sandbox.lending import FIRST_KEY, lending_document
from tests.include.pipelines.xml.check.check_files import (
    BASE,
    FULL,
    LENDING,
    made_by_a_run,
    write_contract,
    write_document,
)

CHILD = {"name": "child", "parent": "base", "rows": "C", "row_number": "no", "columns": []}

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def check(capsys: pytest.CaptureFixture[str]) -> Run:
    """Exit code, report and errors."""

    def run(*arguments: object) -> tuple[int, str, str]:
        try:
            code = main(["contract", "check", *map(str, arguments)])
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Path]:
    """A SQLite file behind the connection `dw`, with the tables of a contract."""

    def make(contract: Path) -> Path:
        file = made_by_a_run(contract, tmp_path / "dw.db")
        monkeypatch.setenv("AIRFLOW_CONN_DW", json.dumps({"conn_type": "sqlite", "host": str(file)}))
        return file

    return make


def execute(file: Path, script: str) -> None:
    with closing(sqlite3.connect(file)) as opened:
        opened.executescript(script)


# The contract


def test_a_sound_contract_is_shown_as_tables(check: Run, tmp_path: Path) -> None:
    code, report, errors = check(write_contract(tmp_path, BASE, CHILD))
    assert (code, errors) == (0, "")
    assert (
        report
        == """\
Contract small has no mistakes: 2 tables, 5 columns, filled in this order.

base: a row for the document element
  column  type       null      key  from
  app_id  int        NOT NULL  PK   the record's key, @id
  a       string(3)  NULL           A
  n       tinyint    NOT NULL       N
  primary key (app_id)

child: a row for each C of base
  column  type  null      key    from
  app_id  int   NOT NULL  PK FK  the record's key, @id
  no      int   NOT NULL  PK     row number
  primary key (app_id, no)
  foreign key (app_id) to base (app_id)
"""
    )


def test_every_mistake_is_printed_with_its_place_and_line(check: Run, tmp_path: Path) -> None:
    file = tmp_path / "small.json"
    file.write_text(
        """{"contract": "small", "version": 1, "root": "App",
 "key": {"column": "app_id", "type": "int"},
 "tables": [{"name": "base", "columns": [
   {"name": "a", "type": "string", "path": "A"},
   {"name": "b", "type": "int", "calculate": "CASE WHEN a >"}]},
  {"name": "child", "parent": "bse", "columns": []}]}"""
    )
    code, report, errors = check(file, "--sample", tmp_path / "no.xml", "--against", "dw")
    assert (code, errors) == (1, "")
    lines = report.splitlines()
    assert lines[0] == "contract small.json has 3 mistakes:"
    assert lines[1].startswith("  tables[0].columns[0].type (line 4): string: give one length")
    assert lines[2].startswith("  tables[0].columns[1].calculate (line 5): ")
    assert lines[3] == "  tables[1].parent (line 6): there is no table bse; there are base, child"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("{", "not JSON at line 1, column 2"),
        ("", "not JSON at line 1"),
        ("[]", "contract (line 1): must be an object"),
        ("\udcff", "not UTF-8 at byte 0"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_file_that_is_no_contract_is_a_mistake(check: Run, tmp_path: Path, text: str, part: str) -> None:
    file = tmp_path / "small.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    code, report, _ = check(file)
    assert code == 1
    assert part in report


def test_what_a_run_would_refuse_beside_the_language_is_a_mistake_too(check: Run, tmp_path: Path) -> None:
    code, report, _ = check(write_contract(tmp_path, {**BASE, "name": "headrace_runs"}))
    assert code == 1
    assert "table headrace_runs: names that begin with headrace_ are the house's own" in report
    other = write_contract(tmp_path, BASE, contract="large")
    assert check(other)[:2] == (1, "contract small.json: it calls itself large; name file and contract alike\n")


@pytest.mark.parametrize("contract", [LENDING, FULL], ids=["lending", "lending_full"])
def test_the_large_contracts_are_sound(check: Run, contract: Path) -> None:
    code, report, errors = check(contract)
    assert (code, errors) == (0, "")
    assert report.startswith(f"Contract {contract.stem} has no mistakes")


def test_a_file_that_cannot_be_read_is_an_error_and_not_a_mistake(check: Run, tmp_path: Path) -> None:
    missing = tmp_path / "no.json"
    assert check(missing) == (2, "", f"error: {missing}: No such file or directory\n")
    assert check(tmp_path) == (2, "", f"error: {tmp_path}: Is a directory\n")


@pytest.mark.parametrize("arguments", [[], ["a.json", "b.json"], ["a.json", "--sample"], ["a.json", "--nope"]])
def test_wrong_arguments_end_with_two_and_the_usage(check: Run, arguments: list[str]) -> None:
    code, report, errors = check(*arguments)
    assert (code, report) == (2, "")
    assert errors.startswith("usage: python -m include.pipelines.xml ")


# The database


def test_a_database_that_holds_the_tables_has_no_difference_and_is_not_changed(
    check: Run, database: Callable[[Path], Path]
) -> None:
    file = database(LENDING)
    before = file.read_bytes()
    code, report, errors = check(LENDING, "--against", "dw")
    assert (code, errors) == (0, "")
    assert report.endswith("\nThe database of dw has these tables, as declared.\n")
    assert file.read_bytes() == before


def test_on_sqlite_the_schema_of_a_contract_is_left_out_and_the_report_says_so(
    check: Run, database: Callable[[Path], Path]
) -> None:
    database(FULL)
    code, report, errors = check(FULL, "--against", "dw")
    assert (code, errors) == (0, "")
    assert report.endswith(
        "\nThe database of dw has these tables, as declared, without schema lending: sqlite has none.\n"
    )


def test_differences_name_both_sides_as_a_run_does(
    check: Run, database: Callable[[Path], Path], tmp_path: Path
) -> None:
    contract = write_contract(tmp_path, BASE, CHILD)
    file = database(contract)
    execute(
        file,
        """DROP TABLE child; DROP TABLE base;
        CREATE TABLE base (app_id INTEGER NOT NULL, a VARCHAR(9), n INTEGER, more DATE, PRIMARY KEY (app_id, n));
        CREATE TABLE outside (app_id INTEGER REFERENCES base (app_id));""",
    )
    code, report, errors = check(contract, "--against", "dw")
    assert (code, errors) == (1, "")
    assert (
        report.partition("\n\nThe database of ")[2]
        == """\
dw shows 6 differences:
  base.a: declared VARCHAR(3), found VARCHAR(9)
  base.n: declared SMALLINT, found INTEGER
  base.more: not declared, found DATE
  base: declared primary key (app_id), found (app_id, n)
  child: declared, not found
  foreign keys of tables outside the target would stop replacing by key: outside to base
  (A run creates tables that are not found, and their schema, unless create_tables is false.)
"""
    )


@pytest.mark.parametrize(
    ("connection", "part"),
    [
        (None, "connection dw is not there: add it in the UI, or set AIRFLOW_CONN_DW"),
        ("mssql://reader:PLANTED9231@127.0.0.1:1/dw", "connection dw: OperationalError 20009: no connection"),
        ("postgres://reader:PLANTED9231@127.0.0.1:1/dw", "connection dw has type 'postgres'"),
        ("mssql://reader:PLANTED9231@host:PLANTED9231/dw", "connection dw is not there"),
        ('{"conn_type": "mssql", "password": "PLANTED9231"', "connection dw is not there"),
        ("sqlite:////nowhere/at/all.db?key=PLANTED9231", "connection dw: there is no file /nowhere/at/all.db"),
    ],
)
def test_a_connection_that_cannot_serve_is_an_error_that_keeps_its_secret(
    check: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, connection: str | None, part: str
) -> None:
    if connection is not None:
        monkeypatch.setenv("AIRFLOW_CONN_DW", connection)
    document = write_document(tmp_path, '<App id="1"><N>1</N></App>')
    code, report, errors = check(write_contract(tmp_path, BASE), "--against", "dw", "--sample", document)
    assert code == 2
    assert f"error: --against dw: {part}" in errors
    # The rest is checked all the same.
    assert f"Sample {document}: 1 row" in report
    assert "PLANTED9231" not in report + errors


def test_an_error_of_airflow_itself_is_named_by_its_class_alone(
    check: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(conn_id: str) -> Any:
        raise ValueError(f"{conn_id}: PLANTED9231")

    monkeypatch.setattr("include.warehouse.airflow_connections.open_in_terminal", fail)
    code, _, errors = check(write_contract(tmp_path, BASE), "--against", "dw")
    assert (code, errors) == (2, "error: --against dw: ValueError\n")


def test_a_connection_given_whole_is_refused_and_not_repeated(check: Run, tmp_path: Path) -> None:
    contract = write_contract(tmp_path, BASE)
    for whole in ("mssql://reader:PLANTED9231@db.example/dw", '{"password": "PLANTED9231"}', "PLANTED9231 x"):
        code, report, errors = check(contract, "--against", whole)
        assert (code, report) == (2, "")
        assert "give the id of an Airflow connection" in errors
        assert "PLANTED9231" not in errors


# The samples


def test_samples_are_tried_in_turn_and_one_reject_makes_the_exit_code(check: Run, tmp_path: Path) -> None:
    good = write_document(tmp_path, '<App id="1"><A>x</A><N>1</N><Note>y</Note></App>', "good.xml")
    bad = write_document(tmp_path, '<App id="2"><A>PLANTED9231</A><N>1</N></App>', "bad.xml")
    contract = write_contract(tmp_path, BASE)
    code, report, errors = check(contract, "--sample", good, bad, "--sample", good)
    assert (code, errors) == (1, "")
    samples = report.split("\n\n")[2:]
    assert (
        samples[0]
        == samples[2].rstrip()
        == f"""\
Sample {good}: 1 row, app_id 1
  base: 1 row
    app_id  a    n
    1       "x"  1
  no warnings
  no column with a path stayed empty
  1 path with text that the contract does not read, and how often:
    Note  1"""
    )
    assert (
        samples[1]
        == f"""\
Sample {bad}: rejected
  fit.too_long: base.a (A) takes 3 UTF-16 units, got 11"""
    )
    assert samples[3].startswith("In all 2 samples that were not rejected:")
    assert check(contract, "--sample", good)[0] == 0


def test_a_sample_that_cannot_be_read_is_an_error_and_the_others_are_tried(check: Run, tmp_path: Path) -> None:
    missing, rejected = tmp_path / "no.xml", write_document(tmp_path, "")
    code, report, errors = check(write_contract(tmp_path, BASE), "--sample", missing, tmp_path, rejected)
    assert code == 2
    assert errors == f"error: {missing}: No such file or directory\nerror: {tmp_path}: Is a directory\n"
    assert report.endswith(f"\nSample {rejected}: rejected\n  xml.empty: there is no document\n")


def test_a_document_of_the_demo_is_read_whole(check: Run, tmp_path: Path) -> None:
    document = write_document(tmp_path, lending_document(FIRST_KEY, size_bytes=30_000))
    code, report, errors = check(LENDING, "--sample", document)
    assert (code, errors) == (0, "")
    assert f"rows, app_id {FIRST_KEY}\n  app_base: 1 row\n    row 1\n      app_id " in report
    assert report == check(LENDING, "--sample", document)[1]


def test_documents_that_use_the_whole_language_give_the_rows_that_their_expectations_count(check: Run) -> None:
    expectations = sorted(FULL.with_suffix("").glob("*.json"))
    code, report, errors = check(FULL, "--sample", *(file.with_suffix(".xml") for file in expectations))
    assert (code, errors) == (1, "")
    samples = report.split("\n\nSample ")[1:]
    assert len(samples) == len(expectations) > 20
    for file, sample in zip(expectations, samples, strict=True):
        expected = json.loads(file.read_text(encoding="utf-8"))
        if file.stem == "reject_key":
            continue  # a document whose key is not the source's: here there is no source
        assert sample.startswith(f"{file.with_suffix('.xml')}: rejected\n") is ("rows" not in expected)
        for table, rows in expected.get("rows", {}).items():
            assert (f"\n  {table}: {len(rows)} row" in sample) is bool(rows), (file.name, table)
        for warning in expected.get("warnings", {}):
            assert f"\n    {warning} " in sample, file.name
