"""All paid calls of a task: found in the store, shared between rows and tasks, or made."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from include.connections.http.clock import Clock
from include.connections.http.pool import HttpPool
from include.engine.errors import BatchStopped, SettingsError
from include.pipelines.csv.answers.desk import Found, Held
from include.pipelines.csv.answers.single_flight import SingleFlight
from include.pipelines.csv.answers.store import AnswerStore
from include.pipelines.csv.calls.assembly import Assembly
from include.pipelines.csv.calls.call import PaidCall
from include.pipelines.csv.calls.counts import CallCounts
from include.pipelines.csv.calls.earlier import count_earlier
from include.pipelines.csv.calls.payment import Cashier, Place
from include.pipelines.csv.calls.service import Service
from include.pipelines.csv.quota.deadline import Deadline
from include.pipelines.csv.quota.gate import DeadlinePassed, Gate
from include.warehouse.clock import utc_now

log = logging.getLogger(__name__)

POLL_S = 1.0
"""While another task asks a service, the store is looked at this often."""
LATE_S = 15.0
"""A call may take so much longer than its service's `timeout_s`: it connects, and its answer is kept."""
QUOTA_WAIT_S = 3600.0
"""Longest time for which a row waits for quotas."""


class PaidCalls:
    """One a task, shared by its rows; thread-safe. `for_row` gives each row its own way in.

    `pool` needs as many connections as rows may be at work. `paid_after` (naive UTC) is the start of a run that pays
    again (`force`): older answers are not used; the tries and tasks of that run still pay once. `quota_wait_s` is the
    longest time for which a row waits for quotas, beside its deadline.
    """

    def __init__(
        self,
        services: Sequence[Service],
        store: AnswerStore,
        pool: HttpPool,
        clock: Clock,
        *,
        paid_after: datetime | None = None,
        quota_wait_s: float = QUOTA_WAIT_S,
    ) -> None:
        self._store = store
        self._clock = clock
        self._paid_after = paid_after
        self._quota_wait_s = quota_wait_s
        self._latest_s = LATE_S + max((service.timeout_s for service in services), default=0.0)
        self._changed = threading.Condition()
        self._asking = 0
        """Rows that want an answer now."""
        self._closed = False
        self._flights = SingleFlight(clock)
        self.counts = CallCounts()
        self._cashiers: Mapping[str, Cashier] = {
            service.name: Cashier(service, Gate(service.settings, clock), pool, store, clock, self.counts)
            for service in services
        }
        self._assemblies = {name: Assembly(cashier) for name, cashier in self._cashiers.items()}
        if len(self._cashiers) < len(services):
            raise SettingsError("two services have the same name")
        # In one order for all tasks: of two that lack a share each, none has what the other waits for.
        for _, cashier in sorted(self._cashiers.items()):
            count_earlier(store, cashier.gate, clock, quota_wait_s)

    def for_row(self, deadline_s: float) -> RowCalls:
        """The way in for one row: no call goes out later than so many seconds from now, waits for quotas apart.

        A call that is under way then may still take its service's `timeout_s`: it is paid, and its answer is kept.
        """
        return RowCalls(self, Deadline(self._clock, deadline_s, self._quota_wait_s))

    def close(self) -> None:
        """Let no call go out any more, and wait for those under way: they are paid, and the store gets their answers.

        After the clock was stopped, so that rows which wait for anything else leave. Those whose service does not keep
        its `timeout_s` are left behind.
        """
        with self._changed:
            self._closed = True
            if self._asking:
                log.info("waiting for the answers of paid calls that are under way: %d rows", self._asking)
            if not self._changed.wait_for(lambda: not self._asking, self._latest_s):
                log.warning("%d rows do not come back from their paid calls, they are left behind", self._asking)

    def answer(self, call: PaidCall, deadline: Deadline) -> str:
        """As `Calls.answer`."""
        cashier = self._cashiers.get(call.service)
        if cashier is None:
            raise SettingsError(f"a step asks the service {call.service!r}, there are {sorted(self._cashiers)}")
        digest = call.digest
        with self._admitted(), deadline.beside(cashier.gate.stood_s):
            return self._flights.fly(digest, lambda: self._lead(cashier, call, digest, deadline), deadline)

    @contextmanager
    def _admitted(self) -> Iterator[None]:
        with self._changed:
            self._clock.check()
            if self._closed:
                raise BatchStopped("the batch has ended: no call is paid for any more")
            self._asking += 1
        try:
            yield
        finally:
            with self._changed:
                self._asking -= 1
                if self._closed:
                    self._changed.notify_all()

    def _lead(self, cashier: Cashier, call: PaidCall, digest: str, deadline: Deadline) -> str:
        fresh_after = utc_now() - cashier.service.ttl
        if self._paid_after is not None:
            fresh_after = max(fresh_after, self._paid_after)
        while True:
            if (left_s := deadline.left_s()) <= 0:
                raise DeadlinePassed(f"{cashier.service.name}: the row's time was over while another task was asking")
            reply = self._store.ask(digest, fresh_after, left_s)
            if isinstance(reply, Found):
                self.counts.add(cashier.service.name, "found")
                return reply.value
            if not isinstance(reply, Held):
                break
            self._await_other(min(POLL_S, max(reply.left_s, 0.01), left_s), cashier.gate, deadline)
        try:
            place = Place(digest, fresh_after)
            if call.together is None:
                return cashier.pay(call, place, deadline)
            return self._assemblies[call.service].pay(call, place, deadline)
        except BaseException:
            self._store.give_up(digest)
            raise

    def _await_other(self, wait_s: float, gate: Gate, deadline: Deadline) -> None:
        """The other task lives, may itself be waiting for a quota, and has a deadline: this row's time stands still."""
        stood_s = gate.stood_s()
        deadline.lend(wait_s)  # first: rows that wait for this one look at it meanwhile
        self._clock.pause(wait_s)
        deadline.lend(-min(wait_s, gate.stood_s() - stood_s))  # what a quota has kept back is given for that already


@dataclass(frozen=True, slots=True)
class RowCalls:
    """`Calls` of one row."""

    _calls: PaidCalls
    _deadline: Deadline

    def answer(self, call: PaidCall) -> str:
        """As the protocol says."""
        return self._calls.answer(call, self._deadline)
