"""One call for many rows that want the same answer at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from include.connections.http.clock import Clock
from include.pipelines.csv.calls.call import MalformedAnswer
from include.pipelines.csv.quota.deadline import Deadline
from include.pipelines.csv.quota.gate import DeadlinePassed

LOOK_S = 0.5
"""Rows that wait for another's call look this often whether the batch was stopped."""


@dataclass(slots=True, eq=False)
class _Flight:
    deadline: Deadline
    """Of the row that leads."""
    landed: threading.Event = field(default_factory=threading.Event)
    value: str | None = None
    """None where the call failed."""
    malformed: MalformedAnswer | None = None
    """What was paid for and is no answer: those who wait for it do not pay again."""


class SingleFlight:
    """Within one process. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._flights: dict[str, _Flight] = {}

    def fly(self, key: str, lead: Callable[[], str], deadline: Deadline) -> str:
        """The result of `lead`, of this row's call or of another's; where that fails, the next row leads.

        Unless an answer came and was malformed: that is the error of all who waited for it. Raises besides what this
        row's own `lead` raises, `DeadlinePassed`, `BatchStopped`.
        """
        while True:
            with self._lock:
                flight = self._flights.get(key)
                if flight is None:
                    mine = self._flights[key] = _Flight(deadline)
                    break
            self._wait(flight, deadline)
            if flight.value is not None:
                return flight.value
            if flight.malformed is not None:
                raise MalformedAnswer(flight.malformed.message)
        try:
            mine.value = lead()
        except MalformedAnswer as error:
            mine.malformed = error
            raise
        else:
            return mine.value
        finally:
            with self._lock:
                del self._flights[key]
            mine.landed.set()

    def _wait(self, flight: _Flight, deadline: Deadline) -> None:
        lent_s = flight.deadline.lent_s
        while True:
            self._clock.check()
            deadline.lend(flight.deadline.lent_s - lent_s)
            lent_s = flight.deadline.lent_s
            if (left_s := deadline.left_s()) <= 0:
                raise DeadlinePassed("the row's time was over before another row's call for the same had ended")
            if flight.landed.wait(min(left_s, LOOK_S)):
                return
