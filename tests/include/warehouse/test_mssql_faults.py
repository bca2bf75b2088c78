"""What pymssql's connection may do wrong, at the provider hook's own seam; the server is a fake that keeps commits."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pymssql
import pytest

from include.engine.errors import BatchStopped, FatalError, HeadraceError, SettingsError, TransientError
from include.engine.model import InsertBatch, Receipt
from include.warehouse.airflow_connections import open_warehouse
from include.warehouse.connection import Warehouse
from include.warehouse.ledger import Ledger
from include.warehouse.mssql_errors import error_number
from include.warehouse.schema import ensure_tables, prepare
from include.warehouse.sink import WarehouseSink
from tests.include.warehouse.fake_mssql import FakeServer
from tests.include.warehouse.faulty_driver import (
    PLANTED,
    Faults,
    FaultyConnection,
    closed_connection,
    everything_said,
    mssql_error,
)
from tests.include.warehouse.toy_people import attempt, batch, noted, people, rejected, written

KEYS = [1, 2]
DEADLOCK = 1205


def deadlock() -> Exception:
    return mssql_error(DEADLOCK)


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def faults() -> Faults:
    return Faults(deadlock)


@pytest.fixture
def warehouse(server: FakeServer, faults: Faults, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """Through the provider's hook; only the driver below it is another one."""
    fields = {"conn_type": "mssql", "host": "db", "login": "me", "password": "s3cret!", "schema": "dw"}
    monkeypatch.setenv("AIRFLOW_CONN_TARGET", json.dumps(fields | {"extra": {"table_schema": "stage"}}))
    monkeypatch.setattr(pymssql, "connect", lambda **given: FaultyConnection(server.connect(**given), faults))
    return open_warehouse("target")


@pytest.fixture
def sink(warehouse: Warehouse, faults: Faults) -> WarehouseSink:
    sink = WarehouseSink(warehouse, Ledger(warehouse).claim(attempt(), batch(), "print"), people())
    faults.executed = 0
    return sink


SETTLEMENTS = [
    noted(replace(written(1, PLANTED), content_hash="1"), "truncated person.name", marks=1),
    replace(written(2, PLANTED), content_hash="2"),
    rejected(3),
]
EXPECTED = Receipt(2, 1, 0, 10, {"test.bad": 1}, {}, {"truncated person.name": 1}, 1)


def commit(sink: WarehouseSink) -> Receipt:
    return sink.commit(InsertBatch(1, SETTLEMENTS, 3))


def assert_written_once(server: FakeServer) -> None:
    assert [row[0] for row in server.inserted("person")] == KEYS
    assert len(server.inserted("address")) == 2 * len(KEYS)
    assert server.line["ordinal"] == 1


RETRIED: dict[str, Callable[[], Exception]] = {
    "deadlock victim": deadlock,
    "lock timeout": lambda: mssql_error(1222),
    "slow server: the query's timeout": lambda: mssql_error(20003),
    "connection reset": lambda: mssql_error(20004),
    "connection dead": lambda: mssql_error(20047),
    "session killed": lambda: mssql_error(596),
    "failover": lambda: mssql_error(40613),
    "connection closed": closed_connection,
}


@pytest.mark.parametrize("name", RETRIED)
@pytest.mark.parametrize("loses", [False, True], ids=["connection stays", "connection lost"])
def test_an_error_at_any_statement_commits_nothing_and_the_replay_writes_once(
    warehouse: Warehouse, server: FakeServer, faults: Faults, caplog: pytest.LogCaptureFixture, name: str, loses: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    cycle = Ledger(warehouse).claim(attempt(), batch(), "print")
    faults.executed = 0
    commit(WarehouseSink(warehouse, cycle, people()))
    statements = faults.executed
    assert statements > 10
    faults.error, faults.loses = RETRIED[name], loses
    for nth in range(statements):
        server.line |= {"ordinal": 0, "receipt": None}
        server.committed.clear()
        sink = WarehouseSink(warehouse, cycle, people())
        faults.execute_in = nth
        with pytest.raises(TransientError) as caught:
            commit(sink)
        assert (server.committed, server.line["ordinal"]) == ([], 0)
        sink.reset()
        assert commit(sink) == EXPECTED
        assert_written_once(server)
        assert PLANTED not in everything_said(caught.value) + caplog.text + server.of_house_tables()


@pytest.mark.parametrize("loses", [False, True], ids=["connection stays", "connection lost"])
@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("number", [DEADLOCK, 20047, 547, 102])
def test_whatever_a_commit_answers_the_replay_looks_first_and_writes_once(
    sink: WarehouseSink,
    server: FakeServer,
    faults: Faults,
    caplog: pytest.LogCaptureFixture,
    where: str,
    number: int,
    loses: bool,
) -> None:
    caplog.set_level(logging.DEBUG)
    faults.error, faults.commit, faults.loses = lambda: mssql_error(number), where, loses
    with pytest.raises(TransientError, match="no clear answer") as caught:
        commit(sink)
    sink.reset()
    assert commit(sink) == replace(EXPECTED, replayed=where == "after")
    assert_written_once(server)
    assert PLANTED not in everything_said(caught.value) + caplog.text + server.of_house_tables()


@pytest.mark.parametrize("number", [102, 156, 207, 208, 229, 262, 3906, 8134])
def test_what_fails_the_same_way_again_is_fatal_rolled_back_and_not_tried_again(
    sink: WarehouseSink, server: FakeServer, faults: Faults, caplog: pytest.LogCaptureFixture, number: int
) -> None:
    caplog.set_level(logging.DEBUG)
    connects = len(server.connects)
    faults.error, faults.execute_in = lambda: mssql_error(number, pymssql.ProgrammingError), 12
    with pytest.raises(FatalError, match=f"ProgrammingError {number}") as caught:
        commit(sink)
    assert len(server.connects) == connects + 1
    assert server.inserted("person") == []
    assert PLANTED not in everything_said(caught.value) + caplog.text + server.of_house_tables()


@pytest.mark.parametrize("number", [2627, 2601, 547, 515, 8152, 2628, 511, 1946, 248, 8169])
def test_a_constraint_is_never_tried_again_but_narrowed_to_its_records(
    sink: WarehouseSink, server: FakeServer, caplog: pytest.LogCaptureFixture, number: int
) -> None:
    caplog.set_level(logging.DEBUG)
    server.fail = ("INSERT INTO [stage].[person]", mssql_error(number, pymssql.IntegrityError))
    receipt = commit(sink)
    assert (receipt.written, receipt.rejected) == (0, 3)
    assert server.inserted("person") == []
    assert server.events.count("commit") == 2, "the claim's and one more"
    assert PLANTED not in caplog.text + server.of_house_tables()


def test_a_refusal_that_leaves_nothing_to_roll_back_is_narrowed_on_a_new_connection(
    sink: WarehouseSink, server: FakeServer, faults: Faults
) -> None:
    server.fail = ("INSERT INTO [stage].[person]", mssql_error(8114))
    # pymssql lets this one out as it is, past the errors of the DB-API.
    faults.rollback = pymssql._mssql.MSSQLDatabaseException((3903, f"no transaction, {PLANTED}".encode()))
    connects = len(server.connects)
    receipt = commit(sink)
    assert (receipt.written, receipt.rejected) == (0, 3)
    assert len(server.connects) == connects + 2


def test_a_refusal_that_ends_the_transaction_is_fatal_and_writes_nothing_outside_of_one(
    sink: WarehouseSink, server: FakeServer, faults: Faults
) -> None:
    server.fail = ("INSERT INTO [stage].[person]", mssql_error(547, pymssql.IntegrityError))
    committed = len(server.committed)

    def gone(text: str) -> None:
        if text.startswith("ROLLBACK TRANSACTION"):
            raise mssql_error(6401)

    faults.before_execute = gone
    with pytest.raises(FatalError, match=r"547 ended the whole transaction, .*: does a trigger roll back"):
        commit(sink)
    assert len(server.committed) == committed


def test_work_of_its_own_is_tried_again_after_a_deadlock_and_a_lost_connection(
    warehouse: Warehouse, server: FakeServer, faults: Faults
) -> None:
    warehouse.connect().close()
    for error, loses in ((deadlock, False), (closed_connection, True)):
        faults.error, faults.loses, faults.execute_in = error, loses, 2
        connects = len(server.connects)
        assert Ledger(warehouse).claim(attempt(), batch(), "print").cycle_id == 41
        assert len(server.connects) == connects + 2


def test_a_slow_server_is_left_between_two_statements_when_told_to_stop(
    warehouse: Warehouse, server: FakeServer, faults: Faults
) -> None:
    stop = threading.Event()
    cycle = Ledger(warehouse).claim(attempt(), batch(), "print")

    def slow(text: str) -> None:
        if text.startswith("INSERT INTO [stage].[person]"):
            stop.set()

    faults.before_execute = slow
    server.statements.clear()
    with pytest.raises(BatchStopped):
        commit(WarehouseSink(warehouse, cycle, people(), stop=stop))
    assert server.inserted("person") == []
    assert not any(text.startswith("INSERT INTO [stage].[contact]") for text, _ in server.statements)


def refused(number: int, text: str) -> pymssql.OperationalError:
    """As a failed connect is raised, with the login and the host in the text."""
    return pymssql.OperationalError((number, text.encode()))


LOGIN = f"Login failed for user '{PLANTED}'.DB-Lib error message 20018, severity 14:\n"
UNREACHABLE = f"DB-Lib error message 20009, severity 9:\nUnable to connect: ({PLANTED})\n"


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (
            refused(18456, LOGIN),
            FatalError,
            "connection target: OperationalError 18456: the server refused the login: ",
        ),
        (refused(18488, LOGIN), FatalError, "its password must be changed first"),
        (refused(18456, LOGIN), FatalError, "and that the database in its schema field exists"),
        (refused(4060, LOGIN), FatalError, "connection target: .*4060: the database in the connection's schema field"),
        (refused(911, LOGIN), FatalError, "the database in the connection's schema field is not there"),
        (refused(916, LOGIN), FatalError, "or this login may not open it"),
        (refused(20009, UNREACHABLE), TransientError, "check host and port"),
        (refused(18456, UNREACHABLE), TransientError, "OperationalError 20009: no connection to the server"),
        (refused(20002, LOGIN), TransientError, "encryption and tds_version"),
    ],
)
def test_a_connection_that_fails_says_what_to_look_at_and_no_secret(
    warehouse: Warehouse,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    kind: type[HeadraceError],
    message: str,
) -> None:
    caplog.set_level(logging.DEBUG)

    def refuse(**given: Any) -> None:
        assert given["password"] == "s3cret!"
        raise error

    monkeypatch.setattr(pymssql, "connect", refuse)
    with pytest.raises(kind, match=message) as caught:
        warehouse.connect()
    said = everything_said(caught.value) + caplog.text
    assert PLANTED not in said
    assert "s3cret!" not in said.replace('"s3cret!"', "")


WORSE_BEFORE = "DB-Lib error message 20018, severity 14:\nGeneral SQL Server error: Check messages\n"
"""What pymssql says of a refused login, once the process has met a worse error at another connect."""


@pytest.mark.parametrize("error", [refused(4060, LOGIN), refused(18456, LOGIN), refused(911, WORSE_BEFORE)])
def test_a_login_that_is_refused_after_it_was_let_in_is_tried_again_since_a_failover_does_that(
    warehouse: Warehouse, server: FakeServer, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    answers: list[Exception] = [error, error]

    def connect(**given: Any) -> Any:
        if answers:
            raise answers.pop()
        return server.connect(**given)

    monkeypatch.setattr(pymssql, "connect", connect)
    with pytest.raises(FatalError, match=r"check login and password|the database in the connection's schema field"):
        Ledger(warehouse).claim(attempt(), batch(), "print")
    assert len(answers) == 1, "the first time nothing is tried again"
    answers.clear()
    warehouse.connect().close()
    answers += [error, error]
    assert Ledger(warehouse).claim(attempt(), batch(), "print").cycle_id == 41
    assert answers == []


def test_two_tasks_that_create_a_table_at_once_both_find_it_there(warehouse: Warehouse, server: FakeServer) -> None:
    """SQL Server refuses the second as a duplicate in a table of its own catalog."""
    server.fail = ("CREATE TABLE stage.person", mssql_error(2601, pymssql.IntegrityError))
    tables = [people()["person"].table]
    with pytest.raises(FatalError, match=r"create table person: .*\(IntegrityError 2601\)") as caught:
        ensure_tables(warehouse, tables)
    assert PLANTED not in everything_said(caught.value)
    server.appears = [(0, "person_id", False, "int", 4, 10, 0)]
    with pytest.raises(SettingsError, match=r"person\.name: declared NVARCHAR\(50\), not found"):
        ensure_tables(warehouse, tables)


def test_a_database_of_an_old_compatibility_level_is_refused_before_any_work(
    warehouse: Warehouse, server: FakeServer
) -> None:
    server.fail = ("FROM OPENJSON(N'", mssql_error(319, pymssql.ProgrammingError))
    with pytest.raises(SettingsError, match="cannot OPENJSON: compatibility level 130 or more is needed") as caught:
        prepare(warehouse, "toy", people())
    assert PLANTED not in everything_said(caught.value)
    assert not any("CREATE TABLE" in text for text, _ in server.statements)


def test_a_missing_permission_is_named_with_what_finds_it(sink: WarehouseSink, server: FakeServer) -> None:
    server.fail = ("INSERT INTO [stage].[person]", mssql_error(229, pymssql.OperationalError))
    with pytest.raises(FatalError, match=r"229: the login lacks a permission .*`make mssql-check CONN="):
        commit(sink)


@pytest.mark.parametrize(
    ("error", "number"),
    [
        (pymssql.OperationalError(1205, b"text"), 1205),
        (pymssql.OperationalError((1205, b"text")), 1205),
        (pymssql.OperationalError((911, b"DB-Lib error message 20009, severity 9:\n")), 20009),
        (pymssql.OperationalError((911, b"no such databaseDB-Lib error message 20018, severity 16:\n")), 911),
        (
            pymssql.OperationalError((911, b"DB-Lib error message 20018, severity 14:\nDB-Lib error message 20002")),
            20018,
        ),
        (pymssql.OperationalError((5703, b"Changed languageDB-Lib error message 20002, severity 9:\n")), 20002),
        (pymssql.OperationalError((18456, b"Changed languageDB-Lib error message 20002, severity 9:\n")), 20002),
        (pymssql.OperationalError((5703, b"ChangedDB-Lib error message 20047, \nDB-Lib error message 20002,")), 20002),
        (pymssql.OperationalError((5703, b"DB-Lib error message 20047, \nDB-Lib error message 20009, ")), 20009),
        (pymssql.OperationalError(20047, b"DB-Lib error message 20003, \nDB-Lib error message 20047, "), 20003),
        (pymssql.OperationalError((596, b"kill stateDB-Lib error message 20047, severity 9:\n")), 596),
        (pymssql.InterfaceError("Connection is closed."), 0),
        (pymssql.OperationalError(), 0),
    ],
)
def test_the_number_of_an_error_is_the_one_of_this_error(error: Exception, number: int) -> None:
    assert error_number(error) == number
