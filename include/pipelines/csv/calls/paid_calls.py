"""All paid calls of a task: found in the store, shared between rows and tasks, or made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from include.connections.http.clock import Clock
from include.connections.http.pool import HttpPool
from include.engine.errors import SettingsError
from include.pipelines.csv.answers.desk import Found, Held
from include.pipelines.csv.answers.single_flight import SingleFlight
from include.pipelines.csv.answers.store import AnswerStore
from include.pipelines.csv.calls.assembly import Assembly
from include.pipelines.csv.calls.call import PaidCall
from include.pipelines.csv.calls.counts import CallCounts
from include.pipelines.csv.calls.earlier import count_earlier
from include.pipelines.csv.calls.payment import Cashier, Place
from include.pipelines.csv.calls.service import Service
from include.pipelines.csv.quota.gate import DeadlinePassed, Gate
from include.warehouse.clock import utc_now

POLL_S = 1.0
"""While another task asks a service, the store is looked at this often."""


class PaidCalls:
    """One a task, shared by its rows; thread-safe. `for_row` gives each row its own way in.

    `pool` needs as many connections as rows may be at work. `paid_after` (naive UTC) is the start of a run that pays
    again (`force`): older answers are not used; the tries and tasks of that run still pay once.
    """

    def __init__(
        self,
        services: Sequence[Service],
        store: AnswerStore,
        pool: HttpPool,
        clock: Clock,
        *,
        paid_after: datetime | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._paid_after = paid_after
        self._flights = SingleFlight(clock)
        self.counts = CallCounts()
        self._cashiers: Mapping[str, Cashier] = {
            service.name: Cashier(service, Gate(service.settings, clock), pool, store, clock, self.counts)
            for service in services
        }
        self._assemblies = {name: Assembly(cashier) for name, cashier in self._cashiers.items()}
        if len(self._cashiers) < len(services):
            raise SettingsError("two services have the same name")
        for cashier in self._cashiers.values():
            count_earlier(store, cashier.gate)

    def for_row(self, deadline_s: float) -> RowCalls:
        """The way in for one row: no call goes out later than so many seconds from now.

        A call that is under way then may still take its service's `timeout_s`: it is paid, and its answer is kept.
        """
        return RowCalls(self, self._clock.monotonic() + deadline_s)

    def answer(self, call: PaidCall, deadline: float) -> str:
        """As `Calls.answer`; `deadline` is a moment of the clock."""
        cashier = self._cashiers.get(call.service)
        if cashier is None:
            raise SettingsError(f"a step asks the service {call.service!r}, there are {sorted(self._cashiers)}")
        digest = call.digest
        return self._flights.fly(digest, lambda: self._lead(cashier, call, digest, deadline), deadline)

    def _lead(self, cashier: Cashier, call: PaidCall, digest: str, deadline: float) -> str:
        fresh_after = utc_now() - cashier.service.ttl
        if self._paid_after is not None:
            fresh_after = max(fresh_after, self._paid_after)
        while True:
            left_s = deadline - self._clock.monotonic()
            if left_s <= 0:
                raise DeadlinePassed(f"{cashier.service.name}: the row's time was over while another task was asking")
            reply = self._store.ask(digest, fresh_after, left_s)
            if isinstance(reply, Found):
                self.counts.add(cashier.service.name, "found")
                return reply.value
            if not isinstance(reply, Held):
                break
            self._clock.pause(min(POLL_S, max(reply.left_s, 0.01), left_s))
        try:
            place = Place(digest, fresh_after)
            if call.together is None:
                return cashier.pay(call, place, deadline)
            return self._assemblies[call.service].pay(call, place, deadline)
        except BaseException:
            self._store.give_up(digest)
            raise


@dataclass(frozen=True, slots=True)
class RowCalls:
    """`Calls` of one row."""

    _calls: PaidCalls
    _deadline: float

    def answer(self, call: PaidCall) -> str:
        """As the protocol says."""
        return self._calls.answer(call, self._deadline)
