"""How Airflow treats the three ways to fail."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule(
            exception="include.engine.errors.FatalError",
            action=RetryAction.FAIL,
            reason="Fatal: the same input fails again; fix what the message names, then clear this task",
        ),
        RetryRule(
            exception="include.engine.errors.TransientError",
            action=RetryAction.RETRY,
            retry_delay=timedelta(seconds=30),
            reason="Transient: the retry resumes after the last committed insert batch",
        ),
    ]
)
"""Strings, not classes, so that parsing a Dag imports no engine. Anything unmatched keeps the task's own retries."""
