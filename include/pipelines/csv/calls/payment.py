"""One call to a service, from the door to the answer in the store; tried again where that may help."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from datetime import datetime

from include.connections.http.clock import Clock
from include.connections.http.exchange import Answer, NotProcessed, Request
from include.connections.http.pool import AnswerTooLarge, HttpPool
from include.connections.http.retry_after import retry_after_s
from include.engine.errors import HeadraceError, RecordRejected, TransientError
from include.pipelines.csv.answers.store import AnswerStore
from include.pipelines.csv.answers.tables import PaidAnswer
from include.pipelines.csv.calls.call import MalformedAnswer, PaidCall, Reading
from include.pipelines.csv.calls.counts import CallCounts
from include.pipelines.csv.calls.service import Service
from include.pipelines.csv.calls.statuses import complaint, outcome_of
from include.pipelines.csv.quota.admission import Outcome
from include.pipelines.csv.quota.deadline import Deadline
from include.pipelines.csv.quota.gate import DeadlinePassed, Gate
from include.warehouse.clock import utc_now
from include.warehouse.storable import storable

MAX_VALUE = 2**30
"""UTF-16 units of a value."""


_PAID = Clock(threading.Event())
"""Never stops: what has gone out is paid for, so its answer is waited for also when the batch ends."""


MALFORMED_TRIES = 2
"""An answer that came is paid for: a service that breaks its promise again will do so a third time."""


class _NoMoreTries(HeadraceError):
    """Carries an error past the tries, which would take it for something that may pass."""

    def __init__(self, error: TransientError) -> None:
        super().__init__(error.message)
        self.error = error


@dataclass(frozen=True, slots=True)
class Place:
    """Where an answer is kept."""

    digest: str
    fresh_after: datetime
    """One in the store from after this moment stays instead."""


@dataclass(frozen=True, slots=True)
class Cashier:
    """Pays for answers of one service. Thread-safe."""

    service: Service
    gate: Gate
    pool: HttpPool
    store: AnswerStore
    clock: Clock
    counts: CallCounts

    def pay(self, call: PaidCall, place: Place, deadline: Deadline) -> str:
        """The value of an answer that is in the store's hands; no call goes out after `deadline`.

        Raises as `Calls.answer`.
        """
        return self.keep(self.ask(call, deadline), place)

    def keep(self, reading: Reading, place: Place) -> str:
        """Put what was paid into the store; the value as the store holds it."""
        name, value, tokens = self.service.name, storable(reading.value, MAX_VALUE), reading.tokens or 0
        self.store.put(
            PaidAnswer(place.digest, self.service.settings.counted_as, value, tokens, utc_now()), place.fresh_after
        )
        self.counts.add(name, "paid")
        self.counts.add(name, "tokens", tokens)
        return value

    def ask(self, call: PaidCall, deadline: Deadline) -> Reading:
        """Make the call, again where that may help. What it brings is paid, and not kept yet."""
        request = self._request(call)
        last: list[TransientError] = []
        malformed = 0

        def attempt() -> Reading:
            nonlocal malformed
            try:
                return self._once(call, request, deadline)
            except DeadlinePassed as error:
                raise _NoMoreTries(error) from None
            except MalformedAnswer as error:
                malformed += 1
                if malformed == MALFORMED_TRIES:
                    raise _NoMoreTries(error) from None
                last[:] = [error]
                raise
            except TransientError as error:
                last[:] = [error]
                raise

        def pause(seconds: float) -> None:
            if seconds >= deadline.left_s():
                passed = DeadlinePassed(f"the row's time is over before another try, the last: {last[0].message}")
                raise _NoMoreTries(passed)
            self.counts.add(self.service.name, "again")
            self.clock.pause(seconds)

        try:
            try:
                return attempt()
            except TransientError as error:
                first = error
            return self.service.retry.again(attempt, first, pause)
        except _NoMoreTries as over:
            raise over.error from None

    def _once(self, call: PaidCall, request: Request, deadline: Deadline) -> Reading:
        entered = self.gate.enter(call.tokens, deadline)
        outcome, tokens = Outcome.DROPPED, None
        try:
            answer = self.pool.send(request, _PAID)
            # Until it was read, an answer that promises to be one has not kept its promise.
            outcome = Outcome.FAILED
            reading = self._read(call, answer)
            outcome, tokens = Outcome.ANSWERED, reading.tokens
        except NotProcessed as error:
            outcome = Outcome.BUSY if outcome is Outcome.FAILED else Outcome.UNSENT
            raise error from None
        except AnswerTooLarge:
            outcome = Outcome.ANSWERED
            text = f"{self.service.name}: the answer is larger than {request.max_bytes:,} bytes"
            raise RecordRejected("csv.answer_too_large", text) from None
        except RecordRejected:
            outcome = Outcome.ANSWERED
            raise
        except TransientError:
            outcome = Outcome.FAILED
            raise
        finally:
            self.gate.end(entered, outcome, tokens)
        return reading

    def _read(self, call: PaidCall, answer: Answer) -> Reading:
        asked_s = retry_after_s(answer.headers, self.clock.now())
        self.gate.learn(answer.headers, None if outcome_of(answer.status) is Outcome.ANSWERED else asked_s)
        if 200 <= answer.status < 300 or answer.status in call.accepts:
            return call.read(answer)
        raise complaint(self.service.name, answer, asked_s)

    def _request(self, call: PaidCall) -> Request:
        content = None if call.body is None else json.dumps(call.body, ensure_ascii=False).encode("utf-8", "replace")
        typed = {"Accept": "application/json"} | ({} if content is None else {"Content-Type": "application/json"})
        return Request(
            method=call.method,
            url=self.service.url(call.path),
            headers={**typed, **self.service.headers},
            content=content,
            max_bytes=self.service.max_bytes,
            timeout_s=self.service.timeout_s,
            shown_as=self.service.name,
        )
