"""The outside of the engine, in memory: what a source yields and what a sink was asked to commit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from include.engine.errors import RecordRejected
from include.engine.model import Batch, InsertBatch, Key, KeyRange, Prior, Receipt, Record, Rows, Settlement
from include.engine.run import run_batch
from include.engine.settings import EngineSettings
from include.engine.stats import BatchStats

BATCH = Batch(3, KeyRange(None, None), 100)


class ListSource:
    """Yields what it is given, one by one; an exception among it is raised in its place."""

    def __init__(self, records: Iterable[Record | BaseException]) -> None:
        self.records = records
        self.delivered = 0
        self.closed_in: threading.Thread | None = None

    def read(self, batch: Batch) -> Iterator[Record]:
        try:
            for record in self.records:
                if isinstance(record, BaseException):
                    raise record
                self.delivered += 1
                yield record
        finally:
            self.closed_in = threading.current_thread()


class ListSink:
    """Keeps what is committed, and says so in honest receipts."""

    def __init__(self) -> None:
        self.insert_batches: list[InsertBatch] = []
        self.resets = 0
        self.closed = 0
        self.before_commit: Callable[[InsertBatch], None] = lambda _: None

    def commit(self, insert_batch: InsertBatch) -> Receipt:
        self.before_commit(insert_batch)
        self.insert_batches.append(insert_batch)
        return Receipt.as_asked(insert_batch.settlements)

    def reset(self) -> None:
        self.resets += 1

    def close(self) -> None:
        self.closed += 1

    @property
    def settlements(self) -> list[Settlement]:
        return [settlement for insert_batch in self.insert_batches for settlement in insert_batch.settlements]

    def by_key(self) -> dict[Key, Settlement]:
        by_key = {settlement.key: settlement for settlement in self.settlements}
        assert len(by_key) == len(self.settlements), "a record settled twice"
        return by_key


class DictMemory:
    def __init__(self, priors: dict[Key, Prior]) -> None:
        self.priors = priors
        self.asked: list[list[Key]] = []

    def prior(self, keys: Any) -> dict[Key, Prior]:
        self.asked.append(list(keys))
        return {key: self.priors[key] for key in keys if key in self.priors}


def one_row(record: Record) -> Rows:
    return {"t": [(record.key,)]}


@dataclass
class House:
    """One run of the engine with fakes around it; fields may be set before `run`."""

    sink: ListSink = field(default_factory=ListSink)
    stop: threading.Event = field(default_factory=threading.Event)
    ends: list[tuple[BatchStats, BaseException | None]] = field(default_factory=list)
    source: ListSource = field(default_factory=lambda: ListSource([]))

    def run(
        self, records: Iterable[Record | BaseException] | int, transform: Any = one_row, **options: Any
    ) -> BatchStats:
        """Settings by name; what is in `names` goes to `run_batch`."""
        if isinstance(records, int):
            records = (Record(number, number, size=100) for number in range(records))
        names = ("ending", "fit", "memory", "content_hash", "skip_unchanged", "settled_before", "on_progress")
        passed = {name: options.pop(name) for name in names if name in options}
        defaults: dict[str, Any] = {"retry_initial_s": 0.001, "max_wait_s": 0.02, "query_timeout_s": 5}
        settings = EngineSettings(**(defaults | options))
        self.source = ListSource(records)
        return run_batch(
            BATCH,
            self.source,
            transform,
            self.sink,
            settings,
            stop=self.stop,
            on_end=lambda stats, error: self.ends.append((stats, error)),
            **passed,
        )


@pytest.fixture
def gate() -> threading.Event:
    """What hanging transforms wait for; `house` opens it at the end, so that none outlives its test."""
    return threading.Event()


@pytest.fixture
def house(gate: threading.Event) -> Iterator[House]:
    """Fails its test when a thread of the engine is left once `gate` is open."""
    yield House()
    gate.set()
    for thread in threading.enumerate():
        if thread.name.startswith("headrace-"):
            thread.join(5)
            assert not thread.is_alive(), f"{thread.name} is left behind"


@pytest.fixture
def memory_of() -> type[DictMemory]:
    return DictMemory


@pytest.fixture
def bad_value() -> RecordRejected:
    return RecordRejected("test.bad", "field x is bad")
