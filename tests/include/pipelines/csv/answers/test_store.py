from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from include.engine.errors import BatchStopped, FatalError, TransientError
from include.pipelines.csv.answers import desk
from include.pipelines.csv.answers.desk import Found, Granted, Held
from include.pipelines.csv.answers.store import AnswerStore, StoreSettings
from include.pipelines.csv.answers.tables import PaidAnswer, answers, leases
from include.pipelines.csv.quota.gate import DeadlinePassed
from include.warehouse.clock import utc_now
from include.warehouse.connection import Warehouse, sqlite_warehouse

PLANTED = "Zyxwvut-Planted"
LONG_AGO = datetime(2000, 1, 1)  # noqa: DTZ001 - naive UTC, as the house's columns are
PATIENT_S = 20.0

Open = Callable[..., AnswerStore]


@pytest.fixture
def open_store(any_warehouse: Warehouse) -> Iterator[Open]:
    """Stores of different owners on one warehouse; they are closed with the test."""
    with ExitStack() as stack:

        def make(owner: str = "one", *, stop: threading.Event | None = None, **settings: Any) -> AnswerStore:
            told = StoreSettings(**settings)
            return stack.enter_context(AnswerStore(any_warehouse, owner, told, stop=stop or threading.Event()))

        yield make


def paid(digest: str, value: str = PLANTED, paid_at: datetime | None = None, tokens: int = 3) -> PaidAnswer:
    return PaidAnswer(digest, "search", value, tokens, paid_at or utc_now())


def ask(store: AnswerStore, digest: str, fresh_after: datetime = LONG_AGO) -> object:
    return store.ask(digest, fresh_after, PATIENT_S)


def lines(warehouse: Warehouse, table: sa.Table) -> list[Any]:
    return warehouse.transact("read", lambda c: list(c.execute(sa.select(table))), write=False)


def lend(warehouse: Warehouse, digest: str, owner: str, expires_at: datetime) -> None:
    line = leases.insert().values(digest=digest, owner=owner, expires_at=expires_at)
    warehouse.transact("lend", lambda c: c.execute(line).rowcount)


def until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENT_S
    while not done():
        assert time.monotonic() < end


def test_an_answer_is_found_at_once_and_by_others_when_it_is_durable(open_store: Open) -> None:
    mine, other = open_store("one"), open_store("two")
    assert ask(mine, "d") == Granted()
    mine.put(paid("d"), LONG_AGO)
    assert ask(mine, "d") == Found(PLANTED)
    mine.flush(PATIENT_S)
    assert ask(other, "d") == Found(PLANTED)


def test_an_answer_is_durable_without_a_flush(open_store: Open, any_warehouse: Warehouse) -> None:
    open_store().put(paid("d"), LONG_AGO)
    until(lambda: len(lines(any_warehouse, answers)) == 1)


def test_leaving_writes_what_waits_and_gives_back_what_is_lent(warehouse: Warehouse) -> None:
    with AnswerStore(warehouse, "one", StoreSettings(group_s=60), stop=threading.Event()) as store:
        assert ask(store, "unpaid") == Granted()
        assert ask(store, "d") == Granted()
        store.put(paid("d"), LONG_AGO)
    assert [line.value for line in lines(warehouse, answers)] == [PLANTED]
    assert lines(warehouse, leases) == []


def test_while_one_task_asks_another_waits_and_then_finds_the_answer(open_store: Open) -> None:
    mine, other = open_store("one"), open_store("two")
    assert ask(mine, "d") == Granted()
    held = ask(other, "d")
    assert isinstance(held, Held)
    assert 0 < held.left_s <= 30
    mine.put(paid("d"), LONG_AGO)
    mine.flush(PATIENT_S)
    assert ask(other, "d") == Found(PLANTED)


def test_a_call_that_was_given_up_may_be_made_by_another_task_or_by_the_same(open_store: Open) -> None:
    mine, other = open_store("one"), open_store("two")
    assert ask(mine, "d") == Granted()
    mine.give_up("d")
    assert ask(mine, "d") == Granted()
    mine.give_up("d")
    until(lambda: ask(other, "d") == Granted())


@pytest.mark.parametrize(("left_s", "reply"), [(-1, Granted), (20, Held)])
def test_a_lease_of_a_task_that_died_is_free_when_it_has_expired_and_not_before(
    open_store: Open, any_warehouse: Warehouse, left_s: int, reply: type
) -> None:
    store = open_store()
    lend(any_warehouse, "d", "dead", utc_now() + timedelta(seconds=left_s))
    assert isinstance(ask(store, "d"), reply)


def test_a_lease_is_renewed_until_the_answer_is_durable_and_forgotten_then(
    open_store: Open, any_warehouse: Warehouse
) -> None:
    store = open_store(lease_s=0.3, group_s=3600)
    assert ask(store, "d") == Granted()
    store.put(paid("d"), LONG_AGO)
    first = lines(any_warehouse, leases)[0].expires_at
    until(lambda: lines(any_warehouse, leases)[0].expires_at > first + timedelta(seconds=0.6))
    assert isinstance(ask(open_store("two"), "d"), Held)
    store.flush(PATIENT_S)
    assert lines(any_warehouse, leases) == []
    until(lambda: store._desk._held == set())


def test_an_answer_that_comes_between_the_look_and_the_lock_is_found(
    open_store: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, other = open_store("one"), open_store("two")
    assert ask(mine, "d") == Granted()
    looks: list[object] = []

    def then_it_comes(connection: sa.Connection, asked: Any) -> dict[str, str]:
        seen = look(connection, asked)
        looks.append(seen)
        if len(looks) == 1:
            mine.put(paid("d"), LONG_AGO)
            mine.flush(PATIENT_S)
        return seen

    look = desk._fresh
    monkeypatch.setattr(desk, "_fresh", then_it_comes)
    assert ask(other, "d") == Found(PLANTED)
    assert looks == [{}, {"d": PLANTED}]


def test_what_is_lent_to_a_row_that_has_gone_is_given_back_and_what_it_still_asks_for_is_not_lent(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, look = threading.Event(), desk._fresh
    monkeypatch.setattr(desk, "_fresh", lambda *asked: looked.set() or look(*asked))
    with (
        AnswerStore(warehouse, "one", stop=threading.Event()) as store,
        AnswerStore(warehouse, "two", stop=threading.Event()) as second,
    ):
        other = sqlite3.connect(tmp_path / "warehouse.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")  # a lease cannot be written
        with ThreadPoolExecutor(1) as pool:
            gone = pool.submit(store.ask, "d", LONG_AGO, 1.0)
            assert looked.wait(PATIENT_S)
            with pytest.raises(DeadlinePassed):
                store.ask("e", LONG_AGO, 0.01)
            with pytest.raises(DeadlinePassed):
                gone.result(PATIENT_S)
        other.execute("ROLLBACK")
        other.close()
        assert ask(store, "f") == Granted()
        until(lambda: ask(second, "d") == Granted())
        assert {line.digest: line.owner for line in lines(warehouse, leases)} == {"d": "two", "f": "one"}


def test_a_store_that_was_left_takes_no_answer(warehouse: Warehouse) -> None:
    with AnswerStore(warehouse, "one", stop=threading.Event()) as store:
        pass
    with pytest.raises(FatalError, match="the answer store is closed"):
        store.put(paid("d"), LONG_AGO)


def test_a_living_task_renews_its_lease(open_store: Open, any_warehouse: Warehouse) -> None:
    store = open_store(lease_s=0.3)
    assert ask(store, "d") == Granted()
    first = lines(any_warehouse, leases)[0].expires_at
    until(lambda: lines(any_warehouse, leases)[0].expires_at > first + timedelta(seconds=0.3))
    assert isinstance(ask(open_store("two"), "d"), Held)


def test_an_answer_that_comes_after_another_task_took_the_lease_and_paid_does_not_replace_that(
    open_store: Open, any_warehouse: Warehouse
) -> None:
    late, quick = open_store("late"), open_store("quick")
    assert ask(late, "d") == Granted()
    expired = leases.update().values(owner="late", expires_at=utc_now() - timedelta(seconds=1))
    any_warehouse.transact("expire", lambda c: c.execute(expired).rowcount)
    assert ask(quick, "d") == Granted()
    quick.put(paid("d", "first"), LONG_AGO)
    quick.flush(PATIENT_S)
    late.put(paid("d", "second"), LONG_AGO)
    late.flush(PATIENT_S)
    assert [line.value for line in lines(any_warehouse, answers)] == ["first"]


def test_an_answer_older_than_asked_for_is_paid_again_and_replaced(open_store: Open, any_warehouse: Warehouse) -> None:
    store = open_store()
    store.put(paid("d", "old", utc_now() - timedelta(days=40)), LONG_AGO)
    store.flush(PATIENT_S)
    month_ago = utc_now() - timedelta(days=30)
    assert ask(store, "d", month_ago) == Granted()
    store.put(paid("d", "new"), month_ago)
    store.flush(PATIENT_S)
    assert ask(store, "d", month_ago) == Found("new")
    assert [line.value for line in lines(any_warehouse, answers)] == ["new"]


def test_many_answers_share_a_commit(open_store: Open, any_warehouse: Warehouse) -> None:
    store = open_store(group_s=0.5)
    commits: list[object] = []
    sa.event.listen(any_warehouse.engine, "commit", commits.append)
    for number in range(150):
        store.put(paid(f"d{number}"), LONG_AGO)
    store.flush(PATIENT_S)
    assert len(lines(any_warehouse, answers)) == 150
    assert len(commits) < 15


def test_many_threads_ask_and_put_and_nothing_is_lost(open_store: Open, any_warehouse: Warehouse) -> None:
    store = open_store(most_waiting=10)

    def work(number: int) -> object:
        digest = f"d{number}"
        assert ask(store, digest) == Granted()
        store.put(paid(digest, f"v{number}"), LONG_AGO)
        return ask(store, digest)

    with ThreadPoolExecutor(50) as pool:
        found = list(pool.map(work, range(500)))
    store.flush(PATIENT_S)
    assert found == [Found(f"v{number}") for number in range(500)]
    assert {line.digest: line.value for line in lines(any_warehouse, answers)} == {f"d{n}": f"v{n}" for n in range(500)}
    assert lines(any_warehouse, leases) == []


def test_without_sharing_no_lease_is_written(open_store: Open, any_warehouse: Warehouse) -> None:
    store = open_store(shared=False)
    assert ask(store, "d") == Granted()
    assert lines(any_warehouse, leases) == []


def test_a_store_that_cannot_write_says_so_to_all_without_values(warehouse: Warehouse) -> None:
    store = AnswerStore(warehouse, "one", stop=threading.Event()).__enter__()
    warehouse.transact("break", lambda c: c.exec_driver_sql("DROP TABLE csv_answers").rowcount)
    store.put(paid("d"), LONG_AGO)
    attempts: list[Callable[[], object]] = [
        lambda: store.flush(PATIENT_S),
        lambda: store.put(paid("e"), LONG_AGO),
        lambda: ask(store, "f"),  # nothing more is paid
        store.__exit__,
    ]
    for attempt in attempts:
        with pytest.raises(FatalError, match="write paid answers: OperationalError SQLITE_ERROR") as caught:
            attempt()
        assert PLANTED not in repr(caught.value)


def test_a_store_that_cannot_look_says_so_to_all_who_ask(warehouse: Warehouse) -> None:
    with AnswerStore(warehouse, "one", stop=threading.Event()) as store:
        warehouse.transact("break", lambda c: c.exec_driver_sql("DROP TABLE csv_answers").rowcount)
        for digest in ("d", "e"):
            with pytest.raises(FatalError, match="look for paid answers: OperationalError SQLITE_ERROR"):
                ask(store, digest)


def test_a_flush_is_bounded_in_time_and_the_answer_comes_when_the_lock_is_gone(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    with AnswerStore(warehouse, "one", StoreSettings(shared=False), stop=threading.Event()) as store:
        other = sqlite3.connect(tmp_path / "warehouse.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        store.put(paid("d"), LONG_AGO)
        with pytest.raises(TransientError, match=r"paid answers were not written within 0\.01 s"):
            store.flush(0.01)
        other.execute("ROLLBACK")
        other.close()
        store.flush(PATIENT_S)
    assert len(lines(warehouse, answers)) == 1


def test_looking_for_an_answer_ends_with_the_deadline_or_a_stop(warehouse: Warehouse, tmp_path: Path) -> None:
    stop = threading.Event()
    with AnswerStore(warehouse, "one", stop=stop) as store:
        other = sqlite3.connect(tmp_path / "warehouse.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")  # a lease cannot be written
        with pytest.raises(DeadlinePassed):
            store.ask("d", LONG_AGO, 0.01)
        stop.set()
        with pytest.raises(BatchStopped):
            store.ask("e", LONG_AGO, PATIENT_S)
        other.execute("ROLLBACK")
        other.close()


def test_a_warehouse_that_was_away_longer_than_patience_lasts_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("include.pipelines.csv.answers.desk.PATIENCE_S", 0.05)
    impatient = sqlite_warehouse(tmp_path / "warehouse.sqlite", lock_wait_s=0.05)
    with AnswerStore(impatient, "one", stop=threading.Event()) as store:
        other = sqlite3.connect(tmp_path / "warehouse.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(TransientError, match="lend paid calls: OperationalError SQLITE_BUSY"):
            ask(store, "d")
        other.execute("ROLLBACK")
        other.close()
        assert ask(store, "d") == Granted()


def test_what_was_paid_is_written_after_a_stop_too(open_store: Open, any_warehouse: Warehouse) -> None:
    stop = threading.Event()
    store = open_store(stop=stop)
    stop.set()
    store.put(paid("d"), LONG_AGO)
    store.flush(PATIENT_S)
    assert len(lines(any_warehouse, answers)) == 1


def test_calls_and_tokens_of_a_time_are_counted(open_store: Open) -> None:
    store, now = open_store(), utc_now()
    for number, minutes in enumerate((1, 30, 90)):
        store.put(paid(f"d{number}", paid_at=now - timedelta(minutes=minutes), tokens=2**30), LONG_AGO)
    store.flush(PATIENT_S)
    assert store.spent("search", now - timedelta(hours=1), now) == (2, 2**31)
    assert store.spent("model", now - timedelta(hours=1), now) == (0, 0)


def test_no_value_shows_in_a_repr(open_store: Open) -> None:
    store = open_store()
    store.put(paid("d"), LONG_AGO)
    assert PLANTED not in repr(paid("d"))
    assert PLANTED not in repr(ask(store, "d"))
