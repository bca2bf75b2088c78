"""What others took of a quota before this task: its share goes on where another task has left it.

Beside that, the task's part of what all have paid within the window, as the answer store knows it: shares were others
where a run was divided by another number of tasks. Unknown stay the calls that were open when a task was killed, and
those of its last second.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta
from itertools import pairwise

from include.connections.http.clock import Clock
from include.engine.errors import TransientError
from include.pipelines.csv.answers.shares import Used
from include.pipelines.csv.answers.store import AnswerStore
from include.pipelines.csv.quota.gate import Gate
from include.pipelines.csv.quota.settings import KINDS
from include.warehouse.clock import utc_now

log = logging.getLogger(__name__)

PARTS = 24
"""A window is looked at in so many parts, each counted as if it were used at its end."""


LOOK_S = 1.0
"""A task that waits for a share of a quota looks this often."""
WORD_S = 300.0
"""And says so this often."""


def count_earlier(store: AnswerStore, gate: Gate, clock: Clock, patience_s: float) -> None:
    """Before the first call: take a share, and count what was used within the windows that have a bound.

    Where living tasks have all shares, more tasks work at the same time than the quotas are divided by: this one waits.
    Raises `TransientError` after `patience_s`, `BatchStopped`.
    """
    tasks = gate.settings.tasks
    bounded = {window_s for (_, window_s), share in gate.settings.quotas().items() if share is not None}
    if not bounded:
        return
    next_word = clock.monotonic()
    end = next_word + patience_s
    while not store.has_share(gate) or (found := _look(store, gate, bounded)) is None:
        told = f"{gate.settings.name}: other tasks work with all of the {tasks} shares of its quotas"
        if clock.monotonic() >= end:
            raise TransientError(f"{told}: let the pool have no more slots than tasks_at_once says")
        if clock.monotonic() >= next_word:
            log.warning("%s: this one waits for one of them to end (tasks_at_once, the slots of the pool)", told)
            next_word += WORD_S
        clock.pause(LOOK_S)
    paid, inherited = found
    for window_s in bounded:
        step_s = window_s / PARTS
        own = [_by_part(inherited.get(f"{kind} {window_s}", ()), step_s) for kind in KINDS]
        for part in reversed(range(PARTS)):
            requests, tokens = (
                max(used[part], -(-all_paid // tasks)) for used, all_paid in zip(own, paid[window_s][part], strict=True)
            )
            gate.spent_before(part * step_s, window_s, requests, tokens)


def _look(
    store: AnswerStore, gate: Gate, bounded: Iterable[float]
) -> tuple[dict[float, list[tuple[int, int]]], Used] | None:
    paid = {window_s: _paid_by_part(store, gate.settings.counted_as, window_s / PARTS) for window_s in bounded}
    # From here on the share's line tells what this gate counts: nothing slow may come before it counts what was there.
    inherited = store.inherit(gate)
    return None if inherited is None else (paid, inherited)


def _paid_by_part(store: AnswerStore, endpoint: str, step_s: float) -> list[tuple[int, int]]:
    """Calls and tokens of all tasks, the newest part first."""
    now = utc_now()
    borders = [now - timedelta(seconds=part * step_s) for part in range(PARTS + 1)]
    return [store.spent(endpoint, since, until) for until, since in pairwise(borders)]


def _by_part(used: Iterable[tuple[float, int]], step_s: float) -> list[int]:
    """Amounts of each part, the newest first."""
    parts = [0] * PARTS
    for ago_s, amount in used:
        age = int(ago_s / step_s)
        if age <= PARTS:  # an entry is kept a little longer than its window
            parts[min(max(age, 0), PARTS - 1)] += amount
    return parts
