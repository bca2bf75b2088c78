"""What earlier tasks, and those that were killed, took of a quota, as far as the answer store knows.

It does not know of calls that brought no answer, nor of those that were open when a task was killed.
"""

from __future__ import annotations

from datetime import timedelta

from include.pipelines.csv.answers.store import AnswerStore
from include.pipelines.csv.quota.gate import Gate
from include.warehouse.clock import utc_now

PARTS = 24
"""A window is looked at in so many parts, each counted as if it were used at its end."""


def count_earlier(store: AnswerStore, gate: Gate) -> None:
    """Before the first call: count this task's share of what was paid within the windows that have a bound."""
    now = utc_now()
    tasks = gate.settings.tasks
    bounded = {window_s for (_, window_s), share in gate.settings.quotas().items() if share is not None}
    for window_s in bounded:
        step = timedelta(seconds=window_s / PARTS)
        for part in range(PARTS, 0, -1):
            until = now - (part - 1) * step
            calls, tokens = store.spent(gate.settings.name, until - step, until)
            gate.spent_before((now - until).total_seconds(), window_s, -(-calls // tasks), -(-tokens // tasks))
