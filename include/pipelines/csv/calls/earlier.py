"""What others took of a quota before this task: its share goes on where another task has left it.

Beside that, the task's part of what all have paid within the window, as the answer store knows it: shares were others
where a run was divided by another number of tasks. Unknown stay the calls that were open when a task was killed, and
those of its last second.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, timedelta
from itertools import pairwise

from include.pipelines.csv.answers.store import AnswerStore
from include.pipelines.csv.quota.gate import Gate
from include.pipelines.csv.quota.settings import KINDS
from include.warehouse.clock import utc_now

PARTS = 24
"""A window is looked at in so many parts, each counted as if it were used at its end."""


def count_earlier(store: AnswerStore, gate: Gate) -> None:
    """Before the first call: take a share, and count what was used within the windows that have a bound."""
    tasks = gate.settings.tasks
    bounded = {window_s for (_, window_s), share in gate.settings.quotas().items() if share is not None}
    if not bounded:
        return
    paid = {window_s: _paid_by_part(store, gate.settings.name, window_s / PARTS) for window_s in bounded}
    # From here on the share's line tells what this gate counts: nothing slow may come before it counts what was there.
    inherited, now = store.inherit(gate), utc_now().replace(tzinfo=UTC).timestamp()
    for window_s in bounded:
        step_s = window_s / PARTS
        own = [_by_part(inherited.get(f"{kind} {window_s}", ()), now, step_s) for kind in KINDS]
        for part in reversed(range(PARTS)):
            requests, tokens = (
                max(used[part], -(-all_paid // tasks)) for used, all_paid in zip(own, paid[window_s][part], strict=True)
            )
            gate.spent_before(part * step_s, window_s, requests, tokens)


def _paid_by_part(store: AnswerStore, endpoint: str, step_s: float) -> list[tuple[int, int]]:
    """Calls and tokens of all tasks, the newest part first."""
    now = utc_now()
    borders = [now - timedelta(seconds=part * step_s) for part in range(PARTS + 1)]
    return [store.spent(endpoint, since, until) for until, since in pairwise(borders)]


def _by_part(used: Iterable[tuple[float, int]], now: float, step_s: float) -> list[int]:
    """Amounts of each part, the newest first."""
    parts = [0] * PARTS
    for moment, amount in used:
        age = int((now - moment) / step_s)
        if age <= PARTS:  # an entry is kept a little longer than its window
            parts[min(max(age, 0), PARTS - 1)] += amount
    return parts
