"""Trying again, for a short while, what a store or a disk may answer in a moment."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from include.engine.errors import TransientError
from include.engine.retry import RetryPolicy

Result = TypeVar("Result")

_PATIENCE = RetryPolicy(tries=3, initial_s=0.2, max_wait_s=5.0, total_s=10.0)
"""One thread asks, and everything else waits for it meanwhile."""


def patiently(ask: Callable[[], Result]) -> Result:
    """The first answer; raises the last `TransientError` after ten seconds at most, and any other error at once."""
    try:
        return ask()
    except TransientError as first:
        return _PATIENCE.again(ask, first, time.sleep)
