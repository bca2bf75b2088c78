"""Writes paid answers, a group a commit, on a thread and a connection of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa

from include.engine.errors import FatalError, TransientError
from include.pipelines.csv.answers.kept_connection import KeptConnection
from include.pipelines.csv.answers.leases import RELEASED
from include.pipelines.csv.answers.tables import PaidAnswer, answers
from include.warehouse.connection import Warehouse
from include.warehouse.encoders import wire_timestamp
from include.warehouse.loaders.choose import loader_for

GROUP_S = 0.05
"""An answer waits no longer than this for others to share its commit: it is to be durable within 250 ms."""
GROUP_ANSWERS = 200
"""Answers of one commit at most."""
PATIENCE_S = 60.0
"""How long a commit is tried again."""

_THERE = sa.select(answers.c.digest, answers.c.paid_at).where(
    answers.c.digest.in_(sa.bindparam("digests", expanding=True))
)

_clock = time.monotonic


class AnswerWriter:
    """`put` from any thread. It goes on after the batch was stopped, until it is closed: what was paid is kept."""

    def __init__(
        self,
        warehouse: Warehouse,
        owner: str,
        *,
        most_waiting: int,
        on_written: Callable[[Iterable[str]], None],
        group_s: float = GROUP_S,
    ) -> None:
        """`on_written` is told what has become durable, in the writer's thread."""
        self._warehouse = warehouse
        self._owner = owner
        self._most_waiting = most_waiting
        self._group_s = group_s
        self._on_written = on_written
        self._loader = loader_for(warehouse)
        self._connection = KeptConnection(warehouse, PATIENCE_S)
        self._changed = threading.Condition()
        self._waiting: dict[str, tuple[PaidAnswer, datetime, float]] = {}
        """Answers that are not durable yet, with `fresh_after` and their arrival, oldest first."""
        self._arrived = self._written = 0
        self._hurries = 0
        self._closing = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="headrace-answers-writer", daemon=True)

    def start(self) -> None:
        """Once."""
        self._thread.start()

    def put(self, answer: PaidAnswer, fresh_after: datetime) -> None:
        """Have it written, and its lease ended; one in the store from after `fresh_after` stays instead.

        Returns at once, unless so many wait that memory must be guarded. Raises what the thread died of, and
        `FatalError` after `close`.
        """
        with self._changed:
            while len(self._waiting) >= self._most_waiting and self._error is None and not self._closing:
                self._changed.wait()
            self._check()
            if self._closing:
                raise FatalError("the answer store is closed: an answer that was paid for cannot be kept")
            # A second one before the first is written replaces it, as it would in the table.
            self._waiting.pop(answer.digest, None)
            self._waiting[answer.digest] = (answer, fresh_after, _clock())
            self._arrived += 1
            self._changed.notify_all()

    def waiting(self, digest: str) -> PaidAnswer | None:
        """An answer that is not durable yet. Raises what the thread died of: nothing more must be paid then."""
        with self._changed:
            self._check()
            entry = self._waiting.get(digest)
            return entry[0] if entry else None

    def flush(self, timeout_s: float) -> None:
        """Wait until what was put before is durable; raises `TransientError` after `timeout_s`, or what it died of."""
        end = _clock() + timeout_s
        with self._changed:
            until = self._arrived
            self._hurries += 1
            self._changed.notify_all()
            try:
                while self._written < until and self._error is None:
                    if (left_s := end - _clock()) <= 0:
                        raise TransientError(f"paid answers were not written within {timeout_s:g} s")
                    self._changed.wait(left_s)
            finally:
                self._hurries -= 1
            self._check()

    def close(self, timeout_s: float) -> None:
        """Write what waits, end the thread; raises as `flush`. Safe to call twice."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            raise TransientError(f"paid answers were not written within {timeout_s:g} s")
        self._check()

    def _check(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            while group := self._next_group():
                self._write(group)
                self._settle(group)
                self._on_written([answer.digest for answer, _, _ in group])
        except BaseException as error:  # noqa: BLE001 - crosses to the callers as a value
            with self._changed:
                self._error = error
                self._changed.notify_all()
        finally:
            self._connection.close()

    def _next_group(self) -> list[tuple[PaidAnswer, datetime, float]]:
        """Empty when closing and nothing is left."""
        with self._changed:
            while not self._waiting and not self._closing:
                self._changed.wait()
            full = min(GROUP_ANSWERS, self._most_waiting)
            while self._waiting and not self._closing and not self._hurries and len(self._waiting) < full:
                first = next(iter(self._waiting.values()))
                if (left_s := first[2] + self._group_s - _clock()) <= 0:
                    break
                self._changed.wait(left_s)
            return list(self._waiting.values())[:GROUP_ANSWERS]

    def _write(self, group: Sequence[tuple[PaidAnswer, datetime, float]]) -> None:
        after = {answer.digest: moment for answer, moment, _ in group}

        def work(connection: sa.Connection) -> None:
            self._loader.lock_target(connection, "csv", "answers")
            found = connection.execute(_THERE, {"digests": list(after)})
            # Another task, to which an expired lease went, may have been faster: its answer stays.
            there = {digest for digest, paid_at in found if paid_at > after[digest]}
            if rows := [self._row(answer) for answer, _, _ in group if answer.digest not in there]:
                self._loader.upsert(connection, answers, rows)
            connection.execute(RELEASED, {"digests": list(after), "mine": self._owner})

        self._connection.transact("write paid answers", work, write=True)

    def _row(self, answer: PaidAnswer) -> tuple[str | int, ...]:
        paid_at = wire_timestamp(answer.paid_at, self._warehouse.name)
        return (answer.digest, answer.endpoint, answer.value, answer.tokens, paid_at)

    def _settle(self, group: Sequence[tuple[PaidAnswer, datetime, float]]) -> None:
        with self._changed:
            for entry in group:
                if self._waiting.get(entry[0].digest) is entry:
                    del self._waiting[entry[0].digest]
            self._written = self._arrived - len(self._waiting)
            self._changed.notify_all()
