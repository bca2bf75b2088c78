"""Whether the next call to a service may go now: quotas, pauses that it asked for, concurrency, circuit breaker."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from include.engine.errors import RecordRejected
from include.pipelines.csv.quota.adaptive import AdaptiveConcurrency
from include.pipelines.csv.quota.breaker import CircuitBreaker
from include.pipelines.csv.quota.headers import told
from include.pipelines.csv.quota.settings import KINDS, EndpointSettings, Kind, quota_name
from include.pipelines.csv.quota.window import SlidingWindow


class Outcome(StrEnum):
    """How a call ended, as far as the service's health and quotas are concerned."""

    ANSWERED = "answered"
    """Whatever it said, but for what follows."""
    BUSY = "busy"
    """429."""
    FAILED = "failed"
    """5xx, a broken connection, silence; it may have been counted."""
    UNSENT = "unsent"
    """The service was not reached: nothing was counted."""
    DROPPED = "dropped"
    """We gave up; it may have been counted."""


@dataclass(frozen=True, slots=True)
class Pass:
    """One call that was let in."""

    sent: float
    tokens: int
    probe: bool


@dataclass(frozen=True, slots=True)
class Shortage:
    """A quota that is used up."""

    quota: str
    """As the settings name it."""
    share: int | None
    """Of this task; None where only the service knows it."""
    wait_s: float
    """At least; infinite where it depends on calls that are open, which may give back what they hold."""


class Admission:
    """Decides, and waits for nothing. Moments come from one clock that never goes back. For one thread at a time."""

    def __init__(self, settings: EndpointSettings) -> None:
        self._settings = settings
        quotas = settings.quotas()
        self._windows = {place: SlidingWindow(share, place[1]) for place, share in quotas.items()}
        self._concurrency = AdaptiveConcurrency(settings.concurrency, settings.busy_share)
        self._breaker = CircuitBreaker(
            calls=settings.breaker_calls,
            share=settings.breaker_share,
            open_s=settings.open_s,
            open_max_s=settings.open_max_s,
        )
        self._open = 0
        self._paused_until = -math.inf
        self._reset_until: dict[tuple[Kind, float], float] = {}
        """Where the service said that nothing remains."""

    def circuit_wait_s(self, now: float) -> float:
        """Seconds for which the service is left alone; infinite while one call probes it."""
        return self._breaker.wait_s(now)

    @property
    def limit(self) -> int:
        """Calls that may be open at the same time now."""
        return self._concurrency.limit

    def wait_s(self, now: float, tokens: int) -> float:
        """Seconds until such a call may go; infinite where that depends on calls that are open.

        Raises `RecordRejected` (`csv.over_quota`) for a call that can never go.
        """
        if self._open >= self._concurrency.limit:
            return math.inf
        waits = [self._breaker.wait_s(now), self._paused_until - now, 0.0]
        for (kind, _), window in self._windows.items():
            amount = 1 if kind == "requests" else tokens
            if window.limit is not None and amount > window.limit:
                raise RecordRejected(
                    "csv.over_quota",
                    f"{self._settings.name}: one call needs about {amount:,} {kind}, this task's share of the quota is "
                    f"{window.limit:,}: shorten the prompt or max_tokens, or let fewer tasks work at the same time",
                )
            waits.append(window.wait_s(now, amount))
        waits += [until - now for until in self._reset_until.values()]
        return max(waits)

    def short_of(self, now: float, tokens: int) -> Shortage | None:
        """The quota that such a call waits for; None where it waits for something else longer, or for nothing."""
        if self._open >= self._concurrency.limit:
            return None
        short = [
            Shortage(quota_name(place), window.limit, window.least_wait_s(now, 1 if place[0] == "requests" else tokens))
            for place, window in self._windows.items()
        ]
        short += [
            Shortage(quota_name(place), self._windows[place].limit, until - now)
            for place, until in self._reset_until.items()
        ]
        longest = max(short, key=lambda each: each.wait_s)
        return longest if longest.wait_s > max(self._breaker.wait_s(now), self._paused_until - now, 0.0) else None

    def begin(self, now: float, tokens: int) -> Pass:
        """Let one in, after `wait_s` said 0."""
        self._open += 1
        for (kind, _), window in self._windows.items():
            window.hold(1 if kind == "requests" else tokens)
        return Pass(now, tokens, self._breaker.begin())

    def end(self, now: float, call: Pass, outcome: Outcome, tokens: int | None = None) -> None:
        """That call ended, and used so many tokens; None: not known, so what was reserved."""
        self._open -= 1
        reached = outcome is not Outcome.UNSENT
        free = outcome in (Outcome.UNSENT, Outcome.BUSY)
        used = 0 if free else call.tokens if tokens is None else tokens
        for (kind, _), window in self._windows.items():
            if kind == "requests":
                window.settle(now, 1, int(reached))
            else:
                window.settle(now, call.tokens, used)
        self._judge(now, call, outcome)

    def learn(self, now: float, headers: Mapping[str, str], retry_after_s: float | None) -> None:
        """From an answer's headers: lower limits, and pauses, which concern every call to the service."""
        self._pause(now, retry_after_s)
        for kind in KINDS if self._settings.learn else ():
            says = told(headers, kind)
            self._lower(kind, says.limit)
            if says.remaining == 0:
                self._await_reset(now, kind, says.reset_s)

    def spent_before(self, moment: float, window_s: float, requests: int, tokens: int) -> None:
        """Count what was used at a moment before the first call; oldest first."""
        self._windows["requests", window_s].spend(moment, requests)
        self._windows["tokens", window_s].spend(moment, tokens)

    def used(self, now: float) -> dict[tuple[Kind, float], list[tuple[float, int]]]:
        """Of each quota that the settings bound, as `SlidingWindow.used`."""
        bounded = [place for place, share in self._settings.quotas().items() if share is not None]
        return {place: self._windows[place].used(now) for place in bounded}

    def _judge(self, now: float, call: Pass, outcome: Outcome) -> None:
        match outcome:
            case Outcome.ANSWERED:
                self._concurrency.good()
                self._breaker.good(probe=call.probe)
            case Outcome.BUSY:
                self._concurrency.busy(now, call.sent)
                self._breaker.good(probe=call.probe)
            case Outcome.FAILED | Outcome.UNSENT:
                self._breaker.bad(now, probe=call.probe)
            case Outcome.DROPPED:
                self._breaker.unknown(now, probe=call.probe)

    def _pause(self, now: float, seconds: float | None) -> None:
        if seconds:
            self._paused_until = max(self._paused_until, now + min(seconds, self._settings.pause_max_s))

    def _await_reset(self, now: float, kind: Kind, seconds: float | None) -> None:
        if seconds:
            place = kind, self._settings.header_window_s(kind)
            until = now + min(seconds, self._settings.pause_max_s)
            self._reset_until[place] = max(self._reset_until.get(place, until), until)

    def _lower(self, kind: Kind, limit: int | None) -> None:
        if not limit:
            return
        window = self._windows[kind, self._settings.header_window_s(kind)]
        share = max(1, limit // self._settings.tasks)
        window.limit = share if window.limit is None else min(window.limit, share)
