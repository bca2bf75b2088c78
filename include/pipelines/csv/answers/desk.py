"""Looks answers up, and lends the right to ask a service for one: many questions of many threads in one statement."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from include.engine.errors import BatchStopped, FatalError, TransientError
from include.pipelines.csv.answers.kept_connection import KeptConnection
from include.pipelines.csv.answers.leases import MOST_TOGETHER, LeaseBook
from include.pipelines.csv.answers.tables import answers
from include.pipelines.csv.quota.gate import DeadlinePassed
from include.warehouse.connection import Warehouse

PATIENCE_S = 60.0
GATHER_S = 0.005
"""A question waits so long for others: at 300 a second a third share a statement for the CPU of two. Each row waits
for it at every step: at 15 ms that was 8 % of the rows a second, where services answer within 0.3 s."""
LOOK_S = 0.5
"""Rows that wait for the warehouse look this often whether the batch was stopped."""

_LOOK = sa.select(answers.c.digest, answers.c.value, answers.c.paid_at).where(
    answers.c.digest.in_(sa.bindparam("digests", expanding=True))
)

_clock = time.monotonic


@dataclass(frozen=True, slots=True)
class Found:
    """Somebody paid for it."""

    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Granted:
    """Nobody did: the caller may ask the service, and must then put the answer or give up."""


@dataclass(frozen=True, slots=True)
class Held:
    """Another task is asking the service; after so many seconds it will have an answer, or have lost its lease."""

    left_s: float


Reply = Found | Granted | Held


@dataclass(frozen=True, slots=True)
class _Question:
    digest: str
    fresh_after: datetime
    reply: Future[Reply] = field(default_factory=Future)


class AnswerDesk:
    """`ask` and `give_up` from any thread; one thread of its own works.

    Within a process one thread at a time asks for a digest: `SingleFlight` sees to that.
    With `shared`, a lease in the warehouse keeps other tasks from asking for the same. It expires `lease_s` after its
    owner ends without word, and is renewed while its owner lives.
    """

    def __init__(
        self, warehouse: Warehouse, owner: str, *, stop: threading.Event, shared: bool, lease_s: float
    ) -> None:
        self._shared = shared
        self._lease_s = lease_s
        self._book = LeaseBook(warehouse, owner, lease_s)
        self._stop = stop
        self._connection = KeptConnection(warehouse, PATIENCE_S)
        self._changed = threading.Condition()
        self._questions: list[_Question] = []
        self._ended: set[str] = set()
        self._held: set[str] = set()
        self._last_missed = False
        """None of the last group was paid for: the next is looked up where leases are lent, in one transaction. Where
        answers are found, as when a run is done again, a look alone keeps nobody from writing."""
        self._closed = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="headrace-answers-desk", daemon=True)

    def start(self) -> None:
        """Once."""
        self._thread.start()

    def ask(self, digest: str, fresh_after: datetime, timeout_s: float) -> Reply:
        """An answer paid after that moment, or the right to ask for one, or neither.

        Raises `DeadlinePassed` when the warehouse takes longer than `timeout_s`, `TransientError` when it is not well,
        `BatchStopped`, or what the thread died of.
        """
        question = _Question(digest, fresh_after)
        with self._changed:
            self._check()
            self._questions.append(question)
            self._changed.notify()
        end = _clock() + timeout_s
        while True:
            try:
                return question.reply.result(max(0.0, min(LOOK_S, end - _clock())))
            except FutureTimeout:
                if self._stop.is_set():
                    failure: Exception = BatchStopped("told to stop while looking for a paid answer")
                elif _clock() >= end:
                    failure = DeadlinePassed("the row's time was over before the warehouse had looked for its answer")
                else:
                    continue
            self.give_up(digest)  # it may be granted yet
            raise failure

    def give_up(self, digest: str) -> None:
        """A granted call had no answer: others may ask for it."""
        with self._changed:
            self._questions = [question for question in self._questions if question.digest != digest]
            self._ended.add(digest)
            self._changed.notify()

    def written(self, digests: Iterable[str]) -> None:
        """Their answers are durable: their leases have ended with that, and are not renewed any more."""
        with self._changed:
            self._held.difference_update(digests)

    def close(self, timeout_s: float) -> None:
        """Give back what is held and end the thread. Safe to call twice."""
        with self._changed:
            self._closed.set()
            self._changed.notify()
        self._thread.join(timeout_s)

    def _check(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        asked: list[_Question] = []
        renewed = _clock()
        try:
            while not self._closed.is_set():
                asked, ended = self._next(renewed)
                try:
                    self._release(ended)
                    self._answer(asked)
                    if _clock() - renewed >= self._lease_s / 3:
                        self._renew()
                        renewed = _clock()
                except TransientError as error:  # of these questions: the next may find the warehouse well
                    _refuse(asked, error)
            self._release(self._held)
            self._end(asked, FatalError("the answer store is closed"))
        except BaseException as error:  # noqa: BLE001 - crosses to the callers as a value
            self._end(asked, error)
        finally:
            self._connection.close()

    def _end(self, asked: Sequence[_Question], error: BaseException) -> None:
        with self._changed:
            self._error = error
            _refuse((*asked, *self._questions), error)

    def _next(self, renewed: float) -> tuple[list[_Question], set[str]]:
        with self._changed:
            while not (self._questions or self._ended or self._closed.is_set()):
                left_s = renewed + self._lease_s / 3 - _clock()
                if left_s <= 0:
                    break
                self._changed.wait(left_s)
        if self._questions:
            self._closed.wait(GATHER_S)
        with self._changed:
            asked, self._questions = self._questions[:MOST_TOGETHER], self._questions[MOST_TOGETHER:]
            ended, self._ended = self._ended, set()
            self._held -= ended
            return asked, ended

    def _answer(self, asked: Sequence[_Question]) -> None:
        if not asked:
            return
        replies: dict[str, Reply] = {}
        if not (self._shared and self._last_missed):
            values = self._connection.transact("look for paid answers", lambda c: _fresh(c, asked), write=False)
            replies = {digest: Found(value) for digest, value in values.items()}
        if missed := [question for question in asked if question.digest not in replies]:
            replies |= self._lend(missed) if self._shared else {each.digest: Granted() for each in missed}
        self._last_missed = not any(isinstance(reply, Found) for reply in replies.values())
        with self._changed:
            self._held |= {digest for digest, reply in replies.items() if isinstance(reply, Granted)}
        for question in asked:
            question.reply.set_result(replies[question.digest])

    def _release(self, digests: Iterable[str]) -> None:
        if self._shared and (mine := sorted(digests)):
            self._connection.transact("give leases back", lambda c: self._book.release(c, mine), write=True)

    def _renew(self) -> None:
        with self._changed:
            held = sorted(self._held)
        if self._shared and held:
            self._connection.transact("renew leases", lambda c: self._book.renew(c, held), write=True)

    def _lend(self, missed: Sequence[_Question]) -> dict[str, Reply]:
        def work(connection: sa.Connection) -> dict[str, Reply]:
            self._book.lock(connection)
            # Between the look and the lock its owner may have put it, and ended the lease.
            values = _fresh(connection, missed)
            held = self._book.take(connection, [each.digest for each in missed if each.digest not in values])
            replies: dict[str, Reply] = {each.digest: Granted() for each in missed}
            replies |= {digest: Held(left_s) for digest, left_s in held.items()}
            return replies | {digest: Found(value) for digest, value in values.items()}

        return self._connection.transact("lend paid calls", work, write=True)


def _refuse(questions: Iterable[_Question], error: BaseException) -> None:
    for question in questions:
        if not question.reply.done():
            question.reply.set_exception(error)


def _fresh(connection: sa.Connection, asked: Sequence[_Question]) -> dict[str, str]:
    after = {question.digest: question.fresh_after for question in asked}
    found = connection.execute(_LOOK, {"digests": list(after)})
    return {digest: value for digest, value, paid_at in found if paid_at > after[digest]}
