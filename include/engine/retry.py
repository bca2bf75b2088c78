"""Trying again what may succeed later."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import tenacity

from include.engine.errors import TransientError

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential waits with jitter, bounded in tries and in time. Thread-safe."""

    tries: int
    """The first included."""
    initial_s: float
    """Mean wait before the second try."""
    max_wait_s: float
    """Longest single wait; also where the other side asks for one, unless `max_asked_s` says otherwise."""
    total_s: float
    """No try begins later than this after the first failure."""
    min_wait_s: float = 0.0
    """Shortest wait, where the other side did not ask for one."""
    max_asked_s: float | None = None
    """Longest wait that the other side may ask for; None: `max_wait_s`."""

    def again(
        self, attempt: Callable[[], Result], first_error: TransientError, pause: Callable[[float], None]
    ) -> Result:
        """Call `attempt` until it gives a result, after a first try that raised `first_error`.

        The first try is the caller's own, so that what succeeds at once pays nothing for this. `pause`
        sleeps and may raise to end the wait. Raises the last `TransientError` when patience ends.
        """
        failed: list[TransientError] = [first_error]

        def first_then_attempt() -> Result:
            if failed:
                raise failed.pop()
            return attempt()

        retrying = tenacity.Retrying(
            sleep=pause,
            stop=tenacity.stop_after_attempt(self.tries) | tenacity.stop_before_delay(self.total_s),
            wait=self._wait,
            retry=tenacity.retry_if_exception_type(TransientError),
            reraise=True,
        )
        return retrying(first_then_attempt)

    def _wait(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, TransientError) and error.retry_after_s is not None:
            # Many workers are told the same wait: without jitter they would all come back at once.
            jitter_s = random.uniform(0, self.initial_s)  # noqa: S311 - spreads load, guards nothing
            longest_s = self.max_wait_s if self.max_asked_s is None else self.max_asked_s
            return min(max(error.retry_after_s, 0.0) + jitter_s, longest_s)
        grown = tenacity.wait_random_exponential(
            multiplier=2 * self.initial_s, max=self.max_wait_s, min=min(self.min_wait_s, self.max_wait_s)
        )
        return grown(state)
