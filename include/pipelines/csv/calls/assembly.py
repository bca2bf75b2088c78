"""Several rows in one request: answers are matched by id, and a row that got none is asked for alone."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from include.engine.errors import RecordRejected, TransientError
from include.pipelines.csv.calls.call import PaidCall, Reading, Together
from include.pipelines.csv.calls.payment import Cashier, Place
from include.pipelines.csv.quota.deadline import Deadline

GATHER_S = 0.2
"""The first row waits so long for others; a full request leaves at once."""


@dataclass(slots=True, eq=False)
class _Seat:
    """One row's call."""

    call: PaidCall
    place: Place
    deadline: Deadline
    served: threading.Event = field(default_factory=threading.Event)
    value: str | None = None
    error: BaseException | None = None
    """What ends all rows of the request, and is no answer to any."""


@dataclass(slots=True, eq=False)
class _Table:
    seats: list[_Seat] = field(default_factory=list)
    full: threading.Event = field(default_factory=threading.Event)


class Assembly:
    """Of one service. Thread-safe."""

    def __init__(self, cashier: Cashier) -> None:
        self._cashier = cashier
        self._lock = threading.Lock()
        self._tables: dict[str, _Table] = {}
        """Those that still take rows."""

    def pay(self, call: PaidCall, place: Place, deadline: Deadline) -> str:
        """As `Cashier.pay`, of a call that has `together`."""
        assert call.together is not None  # noqa: S101 - the caller looked
        seat = _Seat(call, place, deadline)
        table, leads = self._sit(seat, call.together)
        if leads:
            table.full.wait(GATHER_S)
            self._serve(self._close(table, call.together), call.together)
        else:
            # Whatever becomes of this row meanwhile: its answer may be paid for already. The leader has an end: it
            # obeys a stop, and keeps to the deadline of each row of its request.
            seat.served.wait()
        if seat.error is not None:
            raise seat.error
        return self._cashier.pay(call, place, deadline) if seat.value is None else seat.value

    def _sit(self, seat: _Seat, together: Together) -> tuple[_Table, bool]:
        with self._lock:
            table = self._tables.setdefault(together.key, _Table())
            table.seats.append(seat)
            if len(table.seats) >= together.most:
                del self._tables[together.key]
                table.full.set()
            return table, len(table.seats) == 1

    def _close(self, table: _Table, together: Together) -> Sequence[_Seat]:
        with self._lock:
            if self._tables.get(together.key) is table:
                del self._tables[together.key]
            return table.seats

    def _serve(self, seats: Sequence[_Seat], together: Together) -> None:
        try:
            if len(seats) > 1:
                self._share(seats, together)
        except BaseException as error:  # noqa: BLE001 - crosses to the rows' own threads as a value
            for seat in seats:
                seat.error = error
        finally:
            for seat in seats:
                seat.served.set()

    def _share(self, seats: Sequence[_Seat], together: Together) -> None:
        deadline = min((seat.deadline for seat in seats), key=Deadline.left_s)
        by_id = {str(number): seat for number, seat in enumerate(seats, 1)}
        merged = together.merged({name: seat.call for name, seat in by_id.items()})
        try:
            reading = self._cashier.ask(merged, deadline)
        except (RecordRejected, TransientError):
            return  # of the one request for all: each row is asked for alone, and has its own error
        values = json.loads(reading.value)
        share = None if reading.tokens is None else -(-reading.tokens // len(seats))
        for name, seat in by_id.items():
            if name in values:
                seat.value = self._cashier.keep(Reading(values[name], share), seat.place)
