from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pendulum
import pytest
from airflow.sdk import RetryAction

from include.engine.errors import BatchStopped, SettingsError, TooManyRejects, TransientError
from include.warehouse.run_settings import RunSettings
from include.warehouse.window import Window
from plugins.operators.pipeline_operator import window_of
from plugins.operators.retry import RETRY_POLICY
from tests.fixtures.toy_orders.operators import OrderToSqlOperator

JAN_1, JAN_2 = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("asked", "interval", "expected"),
    [
        ({}, (JAN_1, JAN_2), Window(JAN_1, JAN_2)),
        ({}, (None, None), None),
        ({}, (JAN_1, JAN_1), None),
        ({"window_start": JAN_1, "window_end": JAN_2}, (None, None), Window(JAN_1, JAN_2)),
        ({"window_start": JAN_1, "window_end": JAN_2}, (JAN_2, JAN_2), Window(JAN_1, JAN_2)),
        ({"open_rejects_only": True}, (JAN_1, JAN_2), None),
        ({"key_list": "chosen"}, (JAN_1, JAN_2), None),
    ],
)
def test_the_window_is_what_was_asked_for_else_the_data_interval(asked: Any, interval: Any, expected: Any) -> None:
    start, end = interval
    context: Any = {"data_interval_start": start, "data_interval_end": end}

    assert window_of(RunSettings(**asked), context) == expected


def test_the_moments_of_an_interval_are_pythons_own_whatever_airflow_gives() -> None:
    start, end = pendulum.datetime(2026, 1, 1, tz="Europe/Berlin"), pendulum.datetime(2026, 1, 2)
    context: Any = {"data_interval_start": start, "data_interval_end": end}

    window = window_of(RunSettings(), context)

    assert window is not None
    assert window == Window(datetime(2025, 12, 31, 23, tzinfo=UTC), JAN_2)
    assert (window.end - JAN_1) // timedelta(milliseconds=1) == 86_400_000


@pytest.mark.parametrize(
    ("error", "action"),
    [
        (SettingsError("x"), RetryAction.FAIL),
        (TooManyRejects("x"), RetryAction.FAIL),
        (TransientError("x"), RetryAction.RETRY),
        (BatchStopped("x"), RetryAction.DEFAULT),
        (RuntimeError("x"), RetryAction.DEFAULT),
    ],
)
def test_airflow_retries_what_may_succeed_and_nothing_else(error: Exception, action: RetryAction) -> None:
    assert RETRY_POLICY.evaluate(error, 1, 3).action is action


def test_a_mapped_task_has_the_retry_policy_without_being_told() -> None:
    plain = OrderToSqlOperator(task_id="load", batch={}, retry_policy=None)

    assert plain.retry_policy is RETRY_POLICY
