from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pymssql
import pytest

from include.warehouse.connection import Warehouse
from include.warehouse.server_check.__main__ import main
from include.warehouse.server_check.check import FAULTY, SOUND, UNCHECKED, ServerCheck
from include.warehouse.server_check.throughput import Figure, choice, lines
from tests.fixtures.t_sql_server import emptied_server, is_babelfish, server_uri
from tests.include.warehouse.fake_mssql import FakeServer
from tests.include.warehouse.toy_people import fetch

SECRET = "s3cret!"
URI = f"mssql://me:{SECRET}@db:1433/dw"


@pytest.fixture
def check(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Exit code, report with errors."""

    def run(*arguments: str) -> tuple[int, str]:
        try:
            code = main(arguments)
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capsys.readouterr()
        assert SECRET not in captured.out + captured.err
        return code, captured.out + captured.err

    return run


def test_permissions_that_are_missing_are_named_with_what_they_are_for(server: FakeServer, check: Any) -> None:
    server.denied = {"DELETE", "CREATE TABLE"}
    code, report = check(URI)
    assert code == FAULTY
    assert "connection      ok      Microsoft SQL Server 2022 - 16.0.1000.6 (X64); database dw, schema dbo" in report
    assert "permissions     FAILED  missing on the schema: DELETE (replaces by key)" in report
    assert "create tables           not without CREATE TABLE: make the tables yourself" in report


def test_a_server_that_keeps_no_value_is_not_recommended(server: FakeServer, check: Any) -> None:
    code, report = check(URI)
    assert (code, "values          FAILED" in report) == (FAULTY, True)
    assert "no way to load is exact here: do not load into this server" in report


def test_a_server_that_names_itself_otherwise_is_checked_as_any_other(server: FakeServer, check: Any) -> None:
    server.version = "Something that speaks T-SQL, release 7\nof a vendor"
    code, report = check(URI)
    assert code == FAULTY
    assert "connection      ok      Something that speaks T-SQL, release 7; database dw, schema dbo" in report
    assert "once what FAILED above is right: no way to load is exact here" in report


def test_what_nobody_foresaw_is_said_to_be_that_without_a_secret(monkeypatch: pytest.MonkeyPatch, check: Any) -> None:
    def broken(**given: Any) -> None:
        raise TypeError(SECRET)

    monkeypatch.setattr(pymssql, "connect", broken)
    code, report = check(URI)
    assert code == UNCHECKED
    assert "error: the check met an error that it does not know (TypeError), and cannot go on" in report


def test_nothing_is_committed_but_answers_to_questions(server: FakeServer, check: Any) -> None:
    check(URI)
    kept = [text for text, _ in server.committed if not text.startswith(("SELECT", "SET"))]
    temporary = [text for text in kept if "#headrace" in text]
    assert kept == temporary, "temporary tables go with their session"
    assert any(text.startswith("CREATE SCHEMA [headrace_check_") for text, _ in server.statements)


def test_a_server_that_does_not_let_in_is_unchecked_and_says_why(
    monkeypatch: pytest.MonkeyPatch, check: Callable[..., tuple[int, str]]
) -> None:
    def refuse(**given: Any) -> None:
        raise pymssql.OperationalError((18456, f"Login failed for user 'me' {SECRET}".encode()))

    monkeypatch.setattr(pymssql, "connect", refuse)
    code, report = check(URI)
    assert code == UNCHECKED
    assert (
        "connection      FAILED  connection headrace_server_check: OperationalError 18456: the server refused" in report
    )


def test_conn_comes_from_the_environment_where_no_list_of_processes_shows_it(
    server: FakeServer, check: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONN", URI)
    check()
    assert server.connects[0]["password"] == SECRET


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give CONN: the id of an Airflow connection, or its URI"),
        (("not_there",), "connection not_there is not there: add it in the UI, or set AIRFLOW_CONN_NOT_THERE"),
        (("file",), "this connection is no SQL Server: there is nothing to check"),
        ((f"{URI}?timeout={SECRET}",), "timeout takes 1 to 86400 seconds"),
        ((f"postgres://me:{SECRET}@db/dw",), "has type 'postgres': use mssql"),
    ],
)
def test_what_cannot_be_checked_is_said_without_a_secret(
    monkeypatch: pytest.MonkeyPatch,
    airflow_database: None,
    tmp_path: Path,
    check: Callable[..., tuple[int, str]],
    arguments: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.delenv("CONN", raising=False)
    (tmp_path / "w.db").touch()
    monkeypatch.setenv("AIRFLOW_CONN_FILE", json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "w.db")}))
    code, report = check(*arguments)
    assert code == UNCHECKED
    assert message in report


OWN = Figure("OPENJSON", [1.0, 1.0, 1.0])


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        ([OWN, Figure("VALUES", [2.0, 2.0])], "OPENJSON, which pipelines load by: the fastest of those"),
        ([OWN, Figure("bulk copy", [0.5, 0.5])], "OPENJSON, which pipelines load by; bulk copy moves 2.0 times"),
        ([OWN, Figure("bulk copy", [0.5], is_exact=False)], "the fastest of those that keep every value"),
        ([OWN, Figure("bulk copy", [0.5], fault="OperationalError 20004")], "the fastest of those"),
        (
            [Figure("OPENJSON", [1.0], is_exact=False), Figure("VALUES", [2.0])],
            "VALUES; pipelines load by OPENJSON, which",
        ),
        ([Figure("OPENJSON", fault="x"), Figure("VALUES", fault="y")], "no way to load is exact here"),
    ],
)
def test_the_choice_is_the_fastest_way_that_keeps_every_value(figures: list[Figure], expected: str) -> None:
    assert expected in choice(figures)


def test_each_way_has_a_line_with_its_ratio_or_what_hindered_it() -> None:
    figures = [OWN, Figure("VALUES", [2.0, 4.0, 2.0]), Figure("bulk copy", fault="OperationalError 20004")]
    assert list(lines(figures, 1000)) == [
        "OPENJSON               1,000 rows/s ",
        "VALUES                   500 rows/s   0.50 times OPENJSON",
        "bulk copy          not possible here: OperationalError 20004",
    ]


@pytest.fixture
def real() -> Warehouse:
    return emptied_server()


@pytest.mark.mssql
def test_a_real_server_is_sound_and_keeps_nothing_of_the_check(real: Warehouse) -> None:
    schemas = "SELECT name FROM sys.schemas ORDER BY name"
    tables = "SELECT name FROM sys.tables"
    before = fetch(real, schemas)
    out = io.StringIO()
    code = ServerCheck(real, out, rows=50, repetitions=1).run()
    report = out.getvalue()
    assert (fetch(real, schemas), fetch(real, tables)) == (before, [])
    assert "scratch schema  ok      created, used, dropped, rolled back" in report
    assert "permissions     ok      SELECT, INSERT, UPDATE, DELETE" in report
    assert "OPENJSON" in report.split("choice")[1]
    assert server_uri().split(":")[2].split("@")[0] not in report
    if is_babelfish(real):
        return  # it says FAILED where OPENJSON does not decode, rightly
    assert (code, "FAILED" in report) == (SOUND, False), report
