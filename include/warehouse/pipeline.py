"""What a pipeline brings; everything else is the house's."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol, runtime_checkable

from include.engine.model import Batch, Key, Record
from include.engine.ports import Source, Transform
from include.engine.process_transform import ProcessTransform
from include.warehouse.target import Target


class Pipeline(Protocol):
    """Built once in a task from settings and connections that are already resolved."""

    @property
    def name(self) -> str:
        """Up to 100 characters; keys of `records`, `rejects` and the ledger begin with it."""
        ...

    @property
    def target(self) -> Target:
        """The tables it fills."""
        ...

    @property
    def fingerprint(self) -> str:
        """Digest (up to 64 characters) of all that decides the rows: contract, target's signature, settings.

        Another one than the ledger's makes an attempt a new cycle: everything is redone.
        """
        ...

    def source(self) -> Source:
        """Reads the records; called once a batch."""
        ...

    def transform(self) -> Transform | ProcessTransform:
        """Gives rows of Python values (`Decimal`, `datetime`, `UUID`…); called once a batch, used from many threads.

        A `ProcessTransform` where the settings ask for worker processes; its rows are fitted to the tables here.
        """
        ...

    def content_hash(self, record: Record) -> str:
        """Digest (up to 64 characters) of the record's content and the mapping; called from many threads."""
        ...

    def scope(self) -> str:
        """What a run reads, in words, for the log: source, range, window; no values of records."""
        ...

    def plan(self, batch_size: int) -> list[Batch]:
        """Split what the run reads; raises `SettingsError` for a source that is not as the settings say."""
        ...

    def watermark(self) -> str | None:
        """What the run will have read up to, where runs read above the last one's; None elsewhere.

        Asked before `plan`. A run over a part of the source must not have one.
        """
        ...

    @property
    def reads_everything(self) -> bool:
        """Whether this run's plan covers the whole source: only then can a record be missed. Asked with `plan`."""
        ...


@runtime_checkable
class Marking(Protocol):
    """What a pipeline brings besides, whose `NotedRows` have marks."""

    @property
    def mark_names(self) -> Sequence[str]:
        """What each bit stands for, the lowest first: names of columns, of which a set bit says that it has a value.

        They may change only with the fingerprint.
        """
        ...


BeforeCommit = Callable[[], None]


@runtime_checkable
class Dated(Protocol):
    """What a pipeline brings besides, whose plan may read an earlier state of its source, as an export is one."""

    def read_at(self) -> datetime | None:
        """The moment of that state, naive, UTC; None: it reads what is there. Asked after `plan`."""
        ...


@runtime_checkable
class Obeying(Protocol):
    """What a pipeline brings besides, whose source waits for others: for a database, or for listed keys.

    Alone, the engine leaves such a wait behind: its thread looks for a stop between two records.
    """

    def obey(self, stop: threading.Event) -> None:
        """Called before `source`: what that reads from ends its waits soon after `stop` was set, by `BatchStopped`."""
        ...


@runtime_checkable
class Equipped(Protocol):
    """What a pipeline brings besides, whose batches need something around them: connections, a store of their own."""

    def equipment(self, stop: threading.Event, ending: threading.Event) -> AbstractContextManager[BeforeCommit]:
        """Entered before `source` and `transform` are called, left when the batch has ended, however it did.

        `stop` tells the task to stop. `ending` is set as soon as the batch begins to end early, by a stop or by any
        error: nothing new must be begun then. Threads that work a record may be in it still when it is left; it may
        wait for them, within bounds.

        What it gives is called by the writer before each commit, which waits for it: so an insert batch is committed
        only after what it rests on. It raises as `Sink.commit`, and is called again where the commit is.
        """
        ...


@runtime_checkable
class Following(Protocol):
    """What a pipeline brings besides, whose batches have something to do once everything is committed."""

    def after_batch(self, cycle_id: int, stop: threading.Event) -> None:
        """Called in the task's main thread when a cycle has succeeded, and again at each retry after that.

        What it raises fails the task, not what is committed. It looks at `stop`, and raises `BatchStopped`.
        """
        ...


@runtime_checkable
class Checking(Protocol):
    """What a pipeline brings besides, whose source can be looked at before any record of it is asked for."""

    def check(self) -> None:
        """Called by the plan of a run over listed keys, which plans no part of the source.

        Raises `SettingsError`, as `plan` would: else each batch fails by the same fault.
        """
        ...


@runtime_checkable
class Choosing(Protocol):
    """What a pipeline brings besides, of whose rejected records a run reads a part."""

    def chooses(self) -> Callable[[Key], bool]:
        """Whether a run with `open_rejects_only` reads the record of this key. Called once, by the plan."""
        ...


def mark_names_of(pipeline: Pipeline) -> Sequence[str]:
    """Those of a pipeline that has any; else none."""
    return pipeline.mark_names if isinstance(pipeline, Marking) else ()
