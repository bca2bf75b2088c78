"""How the services behave: how long they take, what they refuse, how they fail."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from include.sandbox.web_apis_quotas import Quota

Fault = Literal["none", "busy", "fault", "reset", "late_reset", "cut", "malformed", "empty", "slow_body"]
"""`busy`: 429 at once; `fault`: 503 at once; `reset`: the connection is reset at once; `late_reset`: after the work was
done; `cut`: half of the answer; `malformed`: 200 with a body that is no JSON; `empty`: JSON without the answer in it;
`slow_body`: the body drips."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """Of one service. Times are in seconds, shares from 0 to 1."""

    latency_s: float = 0.0
    spread: float = 0.0
    """Latencies are drawn evenly from `latency_s` times 1 - spread to 1 + spread."""
    slow_share: float = 0.0
    slow_factor: float = 20.0
    """Slow answers take so many times as long."""
    busy_share: float = 0.0
    fault_share: float = 0.0
    reset_share: float = 0.0
    """Half of them before the work, half after it."""
    malformed_share: float = 0.0
    slow_body_share: float = 0.0
    slow_body_s: float = 1.0
    retry_after_s: float = 0.05
    """What a 429 that was drawn asks for; one of a quota asks for what is left of its window."""
    quotas: tuple[Quota, ...] = ()
    seed: int = 1


@dataclass(slots=True)
class Draws:
    """Latencies and faults, drawn in the order of arrival; `script` goes first."""

    behaviour: Behaviour
    script: deque[Fault] = field(default_factory=deque)
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.behaviour.seed)  # noqa: S311 - a sandbox's dice

    def plan(self, faults: Iterable[Fault]) -> None:
        """The next calls go like this."""
        self.script.extend(faults)

    def latency_s(self) -> float:
        """Of one call."""
        told = self.behaviour
        drawn = told.latency_s * self._random.uniform(1 - told.spread, 1 + told.spread)
        return drawn * told.slow_factor if self._random.random() < told.slow_share else drawn

    def fault(self) -> Fault:
        """Of one call."""
        if self.script:
            return self.script.popleft()
        told, dice = self.behaviour, self._random.random()
        shares: tuple[tuple[Fault, float], ...] = (
            ("busy", told.busy_share),
            ("fault", told.fault_share),
            ("reset", told.reset_share / 2),
            ("late_reset", told.reset_share / 2),
            ("malformed", told.malformed_share),
            ("slow_body", told.slow_body_share),
        )
        for name, share in shares:
            if dice < share:
                return name
            dice -= share
        return "none"
