from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from include.engine.errors import BatchStopped, FatalError, HeadraceError, TransientError
from include.engine.model import InsertBatch, Receipt
from include.warehouse.connection import Warehouse, sqlite_warehouse
from include.warehouse.ledger import Ledger
from include.warehouse.sink import WarehouseSink
from include.warehouse.verify import verify
from tests.include.warehouse.toy_people import Loading, attempt, batch, count, fetch, noted, people, rejected, written

PLANTED = "planted-patient-name"


class Faults:
    """What goes wrong at the DB-API seam, once."""

    def __init__(self) -> None:
        self.execute_in: int | None = None
        self.commit: str | None = None
        self.code, self.name = 10, "SQLITE_IOERR"
        self.executed = 0

    def error(self) -> sqlite3.OperationalError:
        error = sqlite3.OperationalError(f"near '{PLANTED}'")
        error.sqlite_errorcode, error.sqlite_errorname = self.code, self.name
        return error

    def on_execute(self) -> None:
        self.executed += 1
        if self.execute_in is not None:
            self.execute_in -= 1
            if self.execute_in < 0:
                self.execute_in = None
                raise self.error()


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def shaky(tmp_path: Path, faults: Faults) -> Warehouse:
    """A warehouse whose driver fails as the faults say; its file is that of `sound`."""

    class Cursor(sqlite3.Cursor):
        def execute(self, *arguments: Any) -> Any:
            faults.on_execute()
            return super().execute(*arguments)

    class Connection(sqlite3.Connection):
        def cursor(self, factory: Any = Cursor) -> Any:
            return super().cursor(factory)

        def commit(self) -> None:
            where, faults.commit = faults.commit, None
            if where == "before":
                raise faults.error()
            super().commit()
            if where == "after":
                raise faults.error()

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(tmp_path / "w.db", check_same_thread=False, factory=Connection)

    return Warehouse("sqlite", connect)


@pytest.fixture
def sound(tmp_path: Path) -> Warehouse:
    return sqlite_warehouse(tmp_path / "w.db")


@pytest.fixture
def start(sound: Warehouse, shaky: Warehouse) -> Iterator[Callable[[], Loading]]:
    opened: list[Loading] = []

    def begin() -> Loading:
        loading = Loading(sound, people(), run_id=f"run {len(opened)}")
        loading.sink = WarehouseSink(shaky, loading.cycle, loading.target)
        opened.append(loading)
        return loading

    yield begin
    for loading in opened:
        loading.sink.close()


SETTLEMENTS = [
    noted(written(1), "truncated person.name", marks=0b01),
    noted(written(2, PLANTED), "truncated person.name", "unknown contact.kind", marks=0b10),
    rejected(3),
    noted(written(4, line="forbidden"), "unknown address.line", marks=0b100),
]
WARNINGS = {"truncated person.name": 2, "unknown contact.kind": 1}
EXPECTED = Receipt(
    written=2,
    rejected=2,
    rows_written=10,
    rejected_by_code={"test.bad": 1, "constraint.check": 1},
    warnings=WARNINGS,
    marks=0b11,
)


def commit(loading: Loading) -> Receipt:
    return loading.sink.commit(InsertBatch(1, SETTLEMENTS, 4))


def test_an_error_at_any_statement_leaves_nothing_and_the_replay_writes_once(
    start: Callable[[], Loading], sound: Warehouse, faults: Faults
) -> None:
    loading = start()
    commit(loading)
    statements = faults.executed
    assert statements > 15
    for nth in range(statements):
        loading = start()
        before = count(sound, "headrace_records", f"cycle_id = {loading.cycle.cycle_id}")
        faults.execute_in = nth
        with pytest.raises(TransientError, match="SQLITE_IOERR"):
            commit(loading)
        assert (before, count(sound, "headrace_records", f"cycle_id = {loading.cycle.cycle_id}")) == (0, 0)
        loading.sink.reset()
        assert commit(loading) == EXPECTED
        assert (loading.line["warnings"], loading.line["marks"]) == (WARNINGS, "3")
    assert (count(sound, "person"), verify(sound, "toy", people())) == (2, [])


def test_a_commit_that_failed_before_the_deed_is_done_by_the_replay(
    start: Callable[[], Loading], sound: Warehouse, faults: Faults
) -> None:
    loading = start()
    faults.commit = "before"
    with pytest.raises(TransientError, match="no clear answer"):
        commit(loading)
    loading.sink.reset()
    assert commit(loading) == EXPECTED
    assert (count(sound, "person"), loading.line["records_settled"]) == (2, 4)


def test_a_commit_whose_answer_was_lost_is_not_doubled(
    start: Callable[[], Loading], sound: Warehouse, faults: Faults
) -> None:
    loading = start()
    faults.commit = "after"
    with pytest.raises(TransientError, match="no clear answer"):
        commit(loading)
    loading.sink.reset()
    assert commit(loading) == replace(EXPECTED, replayed=True)
    assert (count(sound, "person"), loading.line["records_settled"], loading.line["ordinal"]) == (2, 4, 1)
    loading.sink.commit(InsertBatch(2, [noted(written(5), "truncated person.name", marks=0b1000)], 5))
    assert (loading.line["warnings"], loading.line["marks"]) == (WARNINGS | {"truncated person.name": 3}, "b")
    assert fetch(sound, "SELECT record_key, attempts FROM headrace_rejects ORDER BY 1") == [("3", 1), ("4", 1)]


def test_a_claim_whose_answer_was_lost_is_made_once(sound: Warehouse, shaky: Warehouse, faults: Faults) -> None:
    Loading(sound, people()).sink.close()
    faults.commit = "after"
    cycle = Ledger(shaky).claim(attempt(run_id="other"), batch(), "print")
    lines = Ledger(sound).lines_of_run("toy_dag", "other")
    assert [(line["cycle_id"], line["attempts"], line["state"]) for line in lines] == [(cycle.cycle_id, 1, "running")]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ((5, "SQLITE_BUSY"), TransientError),
        ((6, "SQLITE_LOCKED"), TransientError),
        ((13, "SQLITE_FULL"), TransientError),
        ((1, "SQLITE_ERROR"), FatalError),
        ((11, "SQLITE_CORRUPT"), FatalError),
    ],
)
def test_errors_are_named_by_what_to_do_and_say_no_values(
    start: Callable[[], Loading],
    faults: Faults,
    caplog: pytest.LogCaptureFixture,
    fault: tuple[int, str],
    kind: type[HeadraceError],
) -> None:
    caplog.set_level(logging.DEBUG)
    loading = start()
    faults.code, faults.name = fault
    faults.execute_in = 9
    with pytest.raises(kind, match=faults.name) as caught:
        commit(loading)
    error: BaseException | None = caught.value
    while error is not None:
        assert PLANTED not in str(error)
        error = error.__cause__ or error.__context__
    assert PLANTED not in caplog.text


def test_a_refused_row_names_its_class_and_no_value(
    start: Callable[[], Loading], sound: Warehouse, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    loading = start()
    loading.sink.commit(InsertBatch(1, [written(4, PLANTED, line="forbidden")], 1))
    ((message,),) = fetch(sound, "SELECT message FROM headrace_rejects")
    assert message == "the database refused its rows: IntegrityError SQLITE_CONSTRAINT_CHECK"
    assert PLANTED not in caplog.text


def test_a_constraint_error_outside_of_rows_is_not_a_reject(sound: Warehouse, start: Callable[[], Loading]) -> None:
    loading = start()
    broken = InsertBatch(1, [rejected(1)], 1, retries=None)  # type: ignore[arg-type]
    with pytest.raises(FatalError, match="SQLITE_CONSTRAINT_NOTNULL in the house tables"):
        loading.sink.commit(broken)
    assert count(sound, "headrace_records") == 0


def test_a_writer_that_waits_for_another_obeys_the_stop_event(sound: Warehouse) -> None:
    loading = Loading(sound, people())
    stop = threading.Event()
    sink = WarehouseSink(sound, loading.cycle, loading.target, stop=stop)
    with sound.connect() as other, sound.transaction(other, "hold the lock"):
        raised: list[BaseException] = []

        def write() -> None:
            try:
                sink.commit(InsertBatch(1, [written(1)], 1))
            except BatchStopped as error:
                raised.append(error)

        thread = threading.Thread(target=write)
        thread.start()
        stop.set()
        thread.join(timeout=5)
        assert not thread.is_alive()
    assert [type(error) for error in raised] == [BatchStopped]
    sink.close()


def test_a_writer_waits_for_another_only_so_long(tmp_path: Path) -> None:
    warehouse = sqlite_warehouse(tmp_path / "w.db", lock_wait_s=0.3)
    loading = Loading(warehouse, people())
    with (
        warehouse.connect() as other,
        warehouse.transaction(other, "hold the lock"),
        pytest.raises(TransientError, match="SQLITE_BUSY"),
    ):
        loading.commit(written(1))
    loading.sink.reset()
    assert loading.sink.commit(InsertBatch(1, [written(1)], 1)).written == 1
    loading.sink.close()
