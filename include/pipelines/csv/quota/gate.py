"""The door to one service: threads wait here in the order in which they came."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import TypeVar

from include.connections.http.clock import Clock
from include.engine.errors import FatalError, RecordRejected, TransientError
from include.pipelines.csv.quota.admission import Admission, Outcome, Pass, Shortage
from include.pipelines.csv.quota.deadline import Deadline
from include.pipelines.csv.quota.settings import EndpointSettings, Kind

LOOK_S = 0.25
"""The first in line looks this often whether the batch was stopped."""
LOOK_BEHIND_S = 2.0
"""The others; each that leaves wakes the next, so that a stop reaches all at once."""

_T = TypeVar("_T")


class DeadlinePassed(TransientError):
    """A row's time is over; what it has paid for is kept for another try."""


class QuotaUsedUp(FatalError):
    """A row would wait for a quota of ours longer than it may; so would all that come after it."""


class Gate:
    """Thread-safe. A call that was let in must be ended, once."""

    def __init__(self, settings: EndpointSettings, clock: Clock) -> None:
        self.settings = settings
        self._clock = clock
        self._admission = Admission(settings)
        self._lock = threading.Lock()
        self._line: deque[threading.Condition] = deque()
        self._shortage: Shortage | None = None
        """What the first in line waits for."""
        self._stood: tuple[float, float | None] = 0.0, None
        """Seconds for which quotas have kept the first in line back, and since when they do now; changed as one."""

    def enter(self, tokens: int, deadline: Deadline) -> Pass:
        """Wait until a call that takes about so many tokens may go.

        Raises `DeadlinePassed`, `BatchStopped`, `QuotaUsedUp`, and `RecordRejected`: `csv.over_quota`, or
        `csv.circuit_open` where rows do not wait for a service that fails.
        """
        mine = threading.Condition(self._lock)
        with self._lock:
            self._line.append(mine)
            try:
                while (wait_s := self._wait_s(mine, tokens, deadline)) > 0:
                    mine.wait(wait_s)
                return self._admission.begin(self._clock.monotonic(), tokens)
            finally:
                if self._line[0] is mine:
                    self._stand(None)
                self._line.remove(mine)
                self._wake()

    def end(self, call: Pass, outcome: Outcome, tokens: int | None = None) -> None:
        """That call ended, and used so many tokens, if that is known."""
        self._change(lambda now: self._admission.end(now, call, outcome, tokens))

    def learn(self, headers: Mapping[str, str], retry_after_s: float | None) -> None:
        """From the headers of an answer; before its call ends, so that none slips through between."""
        self._change(lambda now: self._admission.learn(now, headers, retry_after_s))

    def spent_before(self, ago_s: float, window_s: float, requests: int, tokens: int) -> None:
        """Count what others used so long ago; oldest first, and before the first call."""
        self._change(lambda now: self._admission.spent_before(now - ago_s, window_s, requests, tokens))

    def used(self) -> dict[tuple[Kind, float], list[tuple[float, int]]]:
        """Of each quota that the settings bound: how many seconds ago, and how much, oldest first."""
        with self._lock:
            return self._admission.used(self._clock.monotonic())

    def stood_s(self) -> float:
        """Seconds so far in which it was a quota that kept back the first in line, and all behind it."""
        stood_s, since = self._stood
        return stood_s if since is None else stood_s + self._clock.monotonic() - since

    @property
    def limit(self) -> int:
        """Calls that may be open at the same time now."""
        with self._lock:
            return self._admission.limit

    def _change(self, work: Callable[[float], _T]) -> _T:
        with self._lock:
            try:
                return work(self._clock.monotonic())
            finally:
                self._wake()

    def _wait_s(self, mine: threading.Condition, tokens: int, deadline: Deadline) -> float:
        self._clock.check()
        now = self._clock.monotonic()
        name = self.settings.name
        if self.settings.on_open == "reject" and self._admission.circuit_wait_s(now) > 0:
            raise RecordRejected("csv.circuit_open", f"{name}: the service fails, and is left alone for a while")
        if (left_s := deadline.left_s()) <= 0:
            raise DeadlinePassed(f"{name}: the row's time was over before a call could go")
        if self._line[0] is not mine:
            self._check_patience(deadline)
            return min(left_s, LOOK_BEHIND_S)
        if (wait_s := self._admission.wait_s(now, tokens)) > 0:
            self._stand(self._admission.short_of(now, tokens))
            self._check_patience(deadline)
        return min(wait_s, left_s, LOOK_S)

    def _stand(self, shortage: Shortage | None) -> None:
        self._shortage = shortage
        stood_s, since = self._stood
        if shortage is None:
            self._stood = self.stood_s(), None
        elif since is None:
            self._stood = stood_s, self._clock.monotonic()

    def _check_patience(self, deadline: Deadline) -> None:
        short = self._shortage
        if short is None:
            return
        wait_s, left_s = short.wait_s, deadline.patience_left_s()
        if left_s <= 0 or left_s < wait_s < math.inf:
            share = "" if short.share is None else f" (this task's share is {short.share:,})"
            again = f", in about {wait_s:,.0f} s" if wait_s < math.inf else ""
            raise QuotaUsedUp(
                f"{self.settings.name}: {short.quota} is used up{share}, and a row would wait for it longer than "
                f"quota_wait_s lets it: clear the task when there is some again{again}, "
                "let fewer rows or tasks work at the same time, or raise the quota or quota_wait_s"
            )

    def _wake(self) -> None:
        if self._line:
            self._line[0].notify()
