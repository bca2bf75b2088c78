from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from include.connections.http.clock import Clock
from include.engine.errors import BatchStopped, TransientError
from include.pipelines.csv.answers.shares import NOBODY, QuotaShares
from include.pipelines.csv.answers.tables import shares
from include.pipelines.csv.quota.admission import Outcome
from include.pipelines.csv.quota.deadline import Deadline
from include.pipelines.csv.quota.gate import Gate
from include.pipelines.csv.quota.settings import EndpointSettings
from include.warehouse.connection import Warehouse, sqlite_warehouse
from include.warehouse.schema import ensure_tables

PATIENT_S = 20.0
FAR = Deadline(Clock(threading.Event()), float("inf"))

Open = Callable[..., QuotaShares]


def gate(tasks: int = 2, name: str = "model") -> Gate:
    told = {"name": name, "tasks": tasks, "requests_per_minute": 100, "tokens_per_day": 10_000}
    return Gate(EndpointSettings.model_validate(told), Clock(threading.Event()))


@pytest.fixture
def open_shares(any_warehouse: Warehouse) -> Iterator[Open]:
    """Of one owner each; closed with the test."""
    ensure_tables(any_warehouse, [shares])
    with ExitStack() as stack:

        def make(owner: str) -> QuotaShares:
            made = QuotaShares(any_warehouse, owner, stop=threading.Event())
            stack.callback(made.close)
            return made

        yield make


def lines(warehouse: Warehouse) -> list[Any]:
    query = sa.select(shares).order_by(shares.c.endpoint, shares.c.number)
    return warehouse.transact("read", lambda connection: list(connection.execute(query)), write=False)


def owners(warehouse: Warehouse) -> list[str]:
    return [line.owner for line in lines(warehouse)]


def call(door: Gate, outcome: Outcome, tokens: int) -> None:
    door.end(door.enter(tokens, FAR), outcome)


def amounts(used: Any) -> dict[str, int]:
    return {place: sum(amount for _, amount in entries) for place, entries in used.items()}


def test_a_task_goes_on_where_the_one_that_ended_was_whatever_became_of_its_calls(open_shares: Open) -> None:
    first, door = open_shares("one"), gate(tasks=1)
    assert first.inherit(door) == {}
    for outcome in (Outcome.ANSWERED, Outcome.BUSY, Outcome.FAILED, Outcome.UNSENT):
        call(door, outcome, 50)
    still_open = door.enter(7, FAR)
    first.close()
    door.end(still_open, Outcome.ANSWERED)

    assert amounts(open_shares("two").inherit(gate(tasks=1))) == {"requests 60.0": 4, "tokens 86400.0": 107}


def test_tasks_at_the_same_time_have_shares_of_their_own_by_service(
    open_shares: Open, any_warehouse: Warehouse
) -> None:
    for owner in ("one", "two"):
        mine = open_shares(owner)
        mine.inherit(gate())
        mine.inherit(gate(name="search"))
    found = [(line.endpoint, line.number, line.owner) for line in lines(any_warehouse)]
    assert found == [("model", 0, "one"), ("model", 1, "two"), ("search", 0, "one"), ("search", 1, "two")]


def test_what_ended_first_is_taken_first_and_before_what_is_worked_with(
    open_shares: Open, any_warehouse: Warehouse
) -> None:
    first, second = open_shares("one"), open_shares("two")
    first.inherit(gate())
    second.inherit(gate())
    second.close()
    first.close()
    assert owners(any_warehouse) == [NOBODY, NOBODY]
    open_shares("three").inherit(gate())
    assert owners(any_warehouse) == [NOBODY, "three"]
    open_shares("four").inherit(gate())
    assert owners(any_warehouse) == ["four", "three"]


def test_where_none_is_left_who_was_silent_longest_and_too_long_loses_its_share_and_writes_no_more(
    open_shares: Open, any_warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("include.pipelines.csv.answers.shares.KEEP_S", 3600.0)
    silent, new = open_shares("killed"), open_shares("new")
    silent.inherit(gate())
    open_shares("alive").inherit(gate())
    monkeypatch.setattr("include.pipelines.csv.answers.shares.SILENT_S", 0.0)
    assert new.has_share(gate())
    new.inherit(gate())
    silent._keep("killed")
    silent.close()
    assert owners(any_warehouse) == ["new", "alive"]
    assert caplog.text.count("another took") == 1
    assert "model: this task was silent for so long that another took its share of the quotas" in caplog.text


def test_the_share_of_a_living_task_is_not_taken_and_is_free_when_that_ends(
    open_shares: Open, any_warehouse: Warehouse
) -> None:
    living, late = open_shares("living"), open_shares("late")
    living.inherit(gate(tasks=1))
    assert not late.has_share(gate(tasks=1))
    assert late.inherit(gate(tasks=1)) is None
    assert owners(any_warehouse) == ["living"]
    living.close()
    assert late.has_share(gate(tasks=1))
    assert late.inherit(gate(tasks=1)) is not None
    assert owners(any_warehouse) == ["late"]


def test_what_was_used_is_written_while_the_task_works(
    open_shares: Open, any_warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("include.pipelines.csv.answers.shares.KEEP_S", 0.01)
    door = gate()
    open_shares("one").inherit(door)
    call(door, Outcome.ANSWERED, 5)
    end = time.monotonic() + PATIENT_S
    while '"requests 60.0": [[' not in lines(any_warehouse)[0].used:
        assert time.monotonic() < end


def test_a_warehouse_that_is_away_costs_no_call(
    open_shares: Open, any_warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    mine = open_shares("one")
    mine.inherit(gate())

    def away(*_: Any, **__: Any) -> None:
        raise TransientError("the warehouse is away")

    with monkeypatch.context() as patched:
        patched.setattr(type(any_warehouse), "transact", away)
        mine.close()
    assert "what was used of quotas is not written: the warehouse is away" in caplog.text
    assert owners(any_warehouse) == ["one"]


def test_a_stop_ends_the_wait_for_a_share_while_another_writes(tmp_path: Path) -> None:
    warehouse, stop = sqlite_warehouse(tmp_path / "w.db"), threading.Event()
    ensure_tables(warehouse, [shares])
    with closing(sqlite3.connect(tmp_path / "w.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        threading.Timer(0.2, stop.set).start()
        with pytest.raises(BatchStopped):
            QuotaShares(warehouse, "one", stop=stop).inherit(gate())
