"""The answer store: nothing that was paid for is paid twice."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from include.pipelines.csv.answers.desk import AnswerDesk, Found, Reply
from include.pipelines.csv.answers.shares import QuotaShares, Used
from include.pipelines.csv.answers.tables import PaidAnswer, answers, leases, shares
from include.pipelines.csv.answers.writer import GROUP_S, AnswerWriter
from include.pipelines.csv.quota.gate import Gate
from include.warehouse.connection import Warehouse
from include.warehouse.schema import ensure_tables

CLOSE_S = 70.0
"""Longest time that the last answers take to be written: the patience of one commit, and some."""
LEASES_S = 5.0
"""Leases are waited for no longer: they end by themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """How answers are kept. Times are in seconds."""

    shared: bool = True
    """Other tasks or runs may want the same answers at the same time: a lease keeps them from paying too."""
    lease_s: float = 30.0
    """After so long a lease of a task that died is free; a living one renews it."""
    group_s: float = GROUP_S
    """An answer waits no longer than this for others to share its commit."""
    most_waiting: int = 2000
    """Answers that are not durable yet; more of them block the rows that bring them."""


class AnswerStore:
    """A context manager with two threads, each with a connection of its own, and one for quotas. Thread-safe.

    `owner` is unique to this attempt of this task (64 characters at most). After leaving, what was put is durable;
    leaving raises what kept it from that.
    """

    def __init__(
        self, warehouse: Warehouse, owner: str, settings: StoreSettings | None = None, *, stop: threading.Event
    ) -> None:
        told = settings or StoreSettings()
        self._warehouse = warehouse
        self._desk = AnswerDesk(warehouse, owner, stop=stop, shared=told.shared, lease_s=told.lease_s)
        self._writer = AnswerWriter(
            warehouse, owner, most_waiting=told.most_waiting, group_s=told.group_s, on_written=self._desk.written
        )
        self._shares = QuotaShares(warehouse, owner, stop=stop)

    def __enter__(self) -> AnswerStore:
        ensure_tables(self._warehouse, [answers, leases, shares])
        self._writer.start()
        self._desk.start()
        return self

    def __exit__(self, *_: object) -> None:
        # First the answers: until they are there, nobody else may ask for them.
        try:
            self._writer.close(CLOSE_S)
        finally:
            self._desk.close(LEASES_S)
            self._shares.close()

    def ask(self, digest: str, fresh_after: datetime, timeout_s: float) -> Reply:
        """An answer paid after that moment (naive UTC), or the right to ask the service, or neither for now.

        Raises `DeadlinePassed` after `timeout_s`, or what a thread of the store died of.
        """
        waiting = self._writer.waiting(digest)
        if waiting is not None and waiting.paid_at > fresh_after:
            return Found(waiting.value)
        return self._desk.ask(digest, fresh_after, timeout_s)

    def put(self, answer: PaidAnswer, fresh_after: datetime) -> None:
        """Keep what a granted call brought; it is durable within 250 ms, and with `flush`.

        Until then its lease is renewed. Raises what a thread of the store died of, and `FatalError` once it is closed.
        """
        self._writer.put(answer, fresh_after)

    def give_up(self, digest: str) -> None:
        """A granted call brought nothing: others may ask the service."""
        self._desk.give_up(digest)

    def flush(self, timeout_s: float) -> None:
        """Wait until everything put before is durable: before rows that were made of it are committed.

        Raises `TransientError` after `timeout_s`, or what the store's thread died of.
        """
        self._writer.flush(timeout_s)

    def has_share(self, gate: Gate) -> bool:
        """Whether `inherit` would find a share of the service's quotas now. Raises `TransientError`."""
        return self._shares.has_share(gate)

    def inherit(self, gate: Gate) -> Used | None:
        """Take a share of the service's quotas until the store is left; what was used of it before this task.

        None where living tasks have them all. Before any call goes through `gate`. Raises `TransientError`.
        """
        return self._shares.inherit(gate)

    def spent(self, endpoint: str, since: datetime, until: datetime) -> tuple[int, int]:
        """Calls and tokens paid in that time, by all tasks and runs."""
        tokens = sa.func.sum(sa.cast(answers.c.tokens, sa.BigInteger))
        count = sa.select(sa.func.count(), sa.func.coalesce(tokens, 0)).where(
            (answers.c.endpoint == endpoint) & (answers.c.paid_at >= since) & (answers.c.paid_at < until)
        )

        def work(connection: sa.Connection) -> tuple[int, int]:
            calls, used = connection.execute(count).one()
            return int(calls), int(used)

        return self._warehouse.transact("count paid answers", work, write=False)
