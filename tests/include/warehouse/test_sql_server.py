"""What only a server can show: its own locks, deadlocks, time-outs, logins, and a process that dies amid a commit."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pymssql
import pytest
import sqlalchemy as sa

from include.engine.errors import FatalError, HeadraceError, TransientError
from include.engine.model import InsertBatch, Outcome, Receipt, Settlement
from include.warehouse.airflow_connections import open_warehouse
from include.warehouse.connection import Warehouse
from include.warehouse.fit import Fitter
from include.warehouse.loaders.mssql_server import SESSION
from include.warehouse.mssql_errors import error_number
from include.warehouse.sink import WarehouseSink
from include.warehouse.target import IDENTITY_INSERT, Target
from include.warehouse.verify import verify
from tests.fixtures.t_sql_server import (
    clean,
    emptied_server,
    is_babelfish,
    server_uri,
    server_warehouse,
)
from tests.include.warehouse.faulty_driver import (
    PLANTED,
    Faults,
    FaultyConnection,
    everything_said,
    mssql_error,
)
from tests.include.warehouse.toy_people import Loading, count, execute, fetch, people, rejected, written

pytestmark = pytest.mark.mssql

ROOT = Path(__file__).resolve().parents[3]
SECRET = "Wr0ng-s3cret!"


@pytest.fixture
def warehouse() -> Warehouse:
    return emptied_server()


@pytest.fixture
def faults() -> Faults:
    return Faults(lambda: mssql_error(1205))


@pytest.fixture
def shaky(warehouse: Warehouse, faults: Faults, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loading]:
    """An attempt whose sink has a driver that fails as the faults say."""
    connect = pymssql.connect
    loading = Loading(warehouse, people())
    monkeypatch.setattr(pymssql, "connect", lambda **given: FaultyConnection(connect(**given), faults))
    unsteady = server_warehouse("shaky")
    unsteady.connect().close()
    loading.sink = WarehouseSink(unsteady, loading.cycle, loading.target)
    yield loading
    loading.sink.close()


SESSION_STATEMENTS = 2
"""What sets a new session up, before the first statement of a commit."""

SETTLEMENTS = [written(1), written(2, PLANTED), rejected(3), written(4, line="forbidden")]
EXPECTED = Receipt(2, 2, 0, 10, {"test.bad": 1, "constraint.reference_or_check": 1})


@pytest.mark.parametrize("loses", [False, True], ids=["connection stays", "connection lost"])
def test_an_error_at_any_statement_leaves_nothing_and_the_replay_writes_once(
    shaky: Loading, warehouse: Warehouse, faults: Faults, caplog: pytest.LogCaptureFixture, loses: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    faults.loses = loses
    errors: list[TransientError] = []
    receipt = None
    while receipt is None:
        faults.execute_in = SESSION_STATEMENTS + 2 * len(errors)
        try:
            receipt = shaky.sink.commit(InsertBatch(1, SETTLEMENTS, 4))
        except TransientError as error:
            errors.append(error)
            shaky.sink.reset()
        assert shaky.line["ordinal"] == count(warehouse, "headrace_rejects", "record_key = '3'") == int(bool(receipt))
    assert len(errors) > 10, "the commit has twice as many statements"
    assert receipt == EXPECTED
    assert (count(warehouse, "person"), verify(warehouse, "toy", people())) == (2, [])
    assert PLANTED not in "".join(map(everything_said, errors)) + caplog.text


@pytest.mark.parametrize("loses", [False, True], ids=["connection stays", "connection lost"])
@pytest.mark.parametrize("where", ["before", "after"])
def test_a_commit_without_an_answer_is_looked_up_and_done_once(
    shaky: Loading, warehouse: Warehouse, faults: Faults, where: str, loses: bool
) -> None:
    faults.commit, faults.loses = where, loses
    with pytest.raises(TransientError, match="no clear answer"):
        shaky.sink.commit(InsertBatch(1, SETTLEMENTS, 4))
    shaky.sink.reset()
    assert shaky.sink.commit(InsertBatch(1, SETTLEMENTS, 4)) == replace(EXPECTED, replayed=where == "after")
    assert (count(warehouse, "person"), count(warehouse, "address")) == (2, 4)
    assert (shaky.line["records_settled"], shaky.line["ordinal"]) == (4, 1)
    assert fetch(warehouse, "SELECT record_key, attempts FROM headrace_rejects ORDER BY 1") == [("3", 1), ("4", 1)]
    assert verify(warehouse, "toy", people()) == []


def test_a_deadlock_is_tried_again_and_ends_with_all_rows_once(
    warehouse: Warehouse, caplog: pytest.LogCaptureFixture
) -> None:
    """A commit deletes addresses and then wants a person; other work has that person and then wants the address."""
    caplog.set_level(logging.DEBUG)
    Loading(warehouse, people()).commit(written(1, PLANTED), written(2, PLANTED))
    loading = Loading(warehouse, people(), run_id="run 2")
    both_hold = threading.Barrier(2)
    numbers: Counter[int] = Counter()

    def meet() -> None:
        with suppress(threading.BrokenBarrierError):  # met before: this is the second try
            both_hold.wait(timeout=20)
            both_hold.abort()

    def before(connection: Any, cursor: Any, text: str, *rest: Any) -> None:
        if text.startswith("DELETE FROM [person]"):
            meet()

    def tally(context: Any) -> None:
        numbers[error_number(context.original_exception)] += 1

    def other(connection: sa.Connection) -> None:
        connection.exec_driver_sql("UPDATE person SET email = N'other' WHERE person_id = 2")
        meet()
        connection.exec_driver_sql("UPDATE address SET line = N'other' WHERE contact_id = N'2-0'")

    sa.event.listen(loading.warehouse.engine, "before_cursor_execute", before)
    sa.event.listen(warehouse.engine, "handle_error", tally)
    thread = threading.Thread(target=lambda: warehouse.transact("other work", other))
    thread.start()
    settlements = [written(1, "Grace"), written(2, "Grace")]
    said = ""
    try:
        receipt = loading.commit(*settlements)
    except TransientError as error:
        said = everything_said(error)
        # What the writer does.
        loading.sink.reset()
        receipt = loading.sink.commit(InsertBatch(1, settlements, 2))
    thread.join(timeout=60)
    assert not thread.is_alive()
    loading.sink.close()
    assert numbers[1205] == 1, "one of the two was the victim, whichever"
    assert PLANTED not in said
    assert receipt.written == 2
    assert fetch(warehouse, "SELECT name FROM person") == [("Grace",)] * 2
    assert verify(warehouse, "toy", people()) == []
    assert PLANTED not in caplog.text


KILLED = """
import os, signal, sys
import sqlalchemy as sa
from tests.fixtures.t_sql_server import server_warehouse
from tests.include.warehouse.toy_people import Loading, people, rejected, written

loading = Loading(server_warehouse(), people())
loading.commit(written(1))

def before(connection, cursor, text, *rest):
    if sys.argv[1] in text:
        os.kill(os.getpid(), signal.SIGKILL)

sa.event.listen(loading.warehouse.engine, "before_cursor_execute", before)
loading.commit(written(2), written(3), rejected(4))
"""


@pytest.mark.parametrize("statement", ["INSERT INTO [address]", "last_receipt="])
def test_a_process_that_is_killed_amid_a_transaction_leaves_nothing_of_it_and_the_retry_resumes(
    warehouse: Warehouse, statement: str
) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, statement], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    second = Loading(warehouse, people(), owner="owner 2", try_number=2)
    assert (second.cycle.resumed, second.cycle.settled.settled) == (True, 1)
    assert fetch(warehouse, "SELECT person_id FROM person") == [(1,)]
    assert second.commit(written(2), written(3), rejected(4)) == Receipt(2, 1, 0, 10, {"test.bad": 1})
    second.sink.close()
    assert (second.line["records_settled"], second.line["attempts"]) == (4, 2)
    assert verify(warehouse, "toy", people()) == []


def with_extra(monkeypatch: pytest.MonkeyPatch, **extra: Any) -> Warehouse:
    options = "&".join(f"{name}={quote(str(value))}" for name, value in extra.items())
    monkeypatch.setenv("AIRFLOW_CONN_OTHER", f"{server_uri()}?{options}")
    return open_warehouse("other")


def test_a_statement_that_takes_too_long_is_given_up_and_can_be_tried_again(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(warehouse, "CREATE TABLE held (id int NOT NULL PRIMARY KEY)", "INSERT INTO held VALUES (1)")
    impatient = with_extra(monkeypatch, timeout=1)
    with warehouse.connect() as other, warehouse.transaction(other, "hold"):
        other.exec_driver_sql("DELETE FROM held")
        with pytest.raises(TransientError, match="OperationalError 20003: no answer within the connection's timeout"):
            impatient.transact("wait", lambda c: c.exec_driver_sql("DELETE FROM held"), patience_s=0)
    assert count(warehouse, "held") == 0


def test_whatever_options_a_session_begins_with_a_commit_is_kept_and_counts_its_rows(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a server's `user options` may have them; without counts of rows every commit looks like a replay."""
    statements = "SET NOCOUNT ON; SET IMPLICIT_TRANSACTIONS ON; SET XACT_ABORT ON"
    loading = Loading(with_extra(monkeypatch, conn_properties=statements), people())
    assert loading.commit(*SETTLEMENTS) == EXPECTED
    loading.sink.close()
    assert verify(warehouse, "toy", people()) == []


def test_the_server_knows_the_program_by_its_name(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fetch(warehouse, "SELECT APP_NAME()") == [("headrace",)]
    assert fetch(with_extra(monkeypatch, appname="night load"), "SELECT APP_NAME()") == [("night load",)]


def test_encryption_that_is_required_never_falls_back_to_clear_text(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    careful = with_extra(monkeypatch, encryption="require", login_timeout=10)
    try:
        connection = careful.connect()
    except HeadraceError as error:
        found = str(error)
    else:
        with connection, careful.faults("look"):
            found = str(connection.exec_driver_sql(SESSION).one()[0]).upper()
    assert found == "TRUE" or "encryption" in found


def test_tables_stand_in_the_schema_that_the_connection_names(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with suppress(FatalError):
        execute(warehouse, "CREATE SCHEMA headrace_stage")
    staged = with_extra(monkeypatch, table_schema="headrace_stage")
    loading = Loading(staged, people())
    assert loading.commit(*SETTLEMENTS) == EXPECTED
    loading.sink.close()
    assert verify(staged, "toy", people()) == []
    places = fetch(warehouse, "SELECT DISTINCT SCHEMA_NAME(schema_id) FROM sys.tables")
    clean(warehouse)
    execute(warehouse, "DROP SCHEMA headrace_stage")
    assert places == [("headrace_stage",)]


@pytest.mark.parametrize("change", ["password", "database", "port"])
def test_a_login_that_fails_says_what_to_look_at_and_no_secret(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, change: str
) -> None:
    caplog.set_level(logging.DEBUG)
    parts = urlsplit(server_uri())
    place, port, database = f"{parts.username}:{parts.password}", parts.port or 1433, parts.path
    match change:
        case "password":
            place, kind, message = f"{parts.username}:{quote(SECRET)}", FatalError, "check login and password"
        case "database":
            database, kind, message = "/no_such_database", HeadraceError, "database"
        case _:
            port, kind, message = 1, TransientError, "OperationalError 200(02|09): .*check host and port"
    monkeypatch.setenv("AIRFLOW_CONN_OTHER", f"mssql://{place}@{parts.hostname}:{port}{database}?login_timeout=5")
    with pytest.raises(kind, match=message) as caught:
        open_warehouse("other").connect()
    said = everything_said(caught.value) + caplog.text
    assert SECRET not in said
    assert str(parts.password) not in said


def test_a_missing_permission_is_named(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    Loading(warehouse, people()).sink.close()
    name = "headrace_test_reader"
    grant = f"GRANT SELECT ON person TO {name}"
    try:
        with suppress(HeadraceError):
            execute(warehouse, f"DROP USER {name}")
        with suppress(HeadraceError):
            without_transaction(warehouse, f"DROP LOGIN {name}")
        without_transaction(warehouse, f"CREATE LOGIN {name} WITH PASSWORD = '{SECRET}'")
        execute(warehouse, f"CREATE USER {name} FOR LOGIN {name}", grant)
    except HeadraceError as error:
        pytest.skip(f"this login may not make another one to try with: {error}")
    parts = urlsplit(server_uri())
    monkeypatch.setenv(
        "AIRFLOW_CONN_OTHER", f"mssql://{name}:{quote(SECRET)}@{parts.hostname}:{parts.port or 1433}{parts.path}"
    )
    reader = open_warehouse("other")
    try:
        assert count(reader, "person") == 0
        # Babelfish has one number of its own for most errors.
        message = "OperationalError" if is_babelfish(warehouse) else "229: the login lacks a permission"
        with pytest.raises(FatalError, match=message) as caught:
            execute(reader, f"INSERT INTO person (person_id, name) VALUES (1, N'{PLANTED}')")
        said = everything_said(caught.value)
        assert SECRET not in said.replace(repr(SECRET), "")
        assert PLANTED not in said
    finally:
        execute(warehouse, grant.replace("GRANT", "REVOKE").replace(" TO ", " FROM "), f"DROP USER {name}")
        with suppress(HeadraceError):  # a session of it may still be on its way out
            without_transaction(warehouse, f"DROP LOGIN {name}")


def without_transaction(warehouse: Warehouse, statement: str) -> None:
    with warehouse.connect() as connection:
        connection.connection.driver_connection.autocommit(True)  # type: ignore[union-attr]
        with warehouse.faults("test"), connection.connection.cursor() as cursor:
            cursor.execute(statement)


def test_values_of_an_identity_are_those_of_the_rows(warehouse: Warehouse) -> None:
    execute(warehouse, "CREATE TABLE numbered (id bigint IDENTITY(1, 1) NOT NULL PRIMARY KEY, v nvarchar(5) NULL)")
    columns = sa.Column("id", sa.BigInteger, primary_key=True), sa.Column("v", sa.String(5))
    target = Target("numbered", "id", [sa.Table("numbered", sa.MetaData(), *columns, info={IDENTITY_INSERT: True})])
    loading = Loading(warehouse, target)
    loading.commit(*(Settlement(key, Outcome.WRITTEN, rows={"numbered": [(key, "a")]}) for key in (70, 7)))
    loading.sink.close()
    assert fetch(warehouse, "SELECT id, v FROM numbered ORDER BY id") == [(7, "a"), (70, "a")]


def test_a_table_with_seven_digits_of_a_second_takes_the_six_of_python(warehouse: Warehouse) -> None:
    execute(warehouse, "CREATE TABLE moments (id int NOT NULL PRIMARY KEY, at datetime2(7) NULL)")
    columns = sa.Column("id", sa.Integer, primary_key=True), sa.Column("at", sa.DateTime)
    target = Target("moments", "id", [sa.Table("moments", sa.MetaData(), *columns)])
    moment = datetime.fromisoformat("2024-02-29T23:59:59.999999")
    rows = Fitter(target, "mssql")({"moments": [(1, moment)]}, 1)
    loading = Loading(warehouse, target)
    loading.commit(Settlement(1, Outcome.WRITTEN, rows=rows))
    loading.sink.close()
    ((text,),) = fetch(warehouse, "SELECT CONVERT(nvarchar(40), at, 121) FROM moments")
    assert text.rstrip("0") == "2024-02-29 23:59:59.999999"


def test_ten_megabytes_of_text_arrive_whole(warehouse: Warehouse) -> None:
    if is_babelfish(warehouse):
        pytest.skip("Babelfish's OPENJSON cuts nvarchar(max) at 4,000 characters")
    columns = sa.Column("id", sa.Integer, primary_key=True), sa.Column("body", sa.Text)
    target = Target("texts", "id", [sa.Table("texts", sa.MetaData(), *columns)])
    text = ("it's\r\n é 😀 %s \\ \" " * 1_000_000)[: 5 * 1024 * 1024]
    rows = Fitter(target, "mssql")({"texts": [(1, text)]}, 1)
    loading = Loading(warehouse, target)
    loading.commit(Settlement(1, Outcome.WRITTEN, rows=rows))
    loading.sink.close()
    ((found,),) = fetch(warehouse, sa.select(target.table("texts").c.body))
    assert found == text
