from __future__ import annotations

from datetime import UTC, datetime

import pytest

from include.connections.http.retry_after import retry_after_s

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 7 ", 7),
        ("1.5", 1.5),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30),
        ("Sunday, 01-Mar-26 12:01:00 GMT", 60),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("Sun, 01 Mar 2026 13:00:30 +0100", 30),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("9" * 5000, None),
        ("Sun, 01 Mar 99999 12:00:00 GMT", None),
    ],
)
def test_seconds_and_http_dates_are_read_and_nothing_else(asked: str, seconds: float | None) -> None:
    assert retry_after_s({"retry-after": asked}, NOON) == seconds


def test_nothing_asked_is_none() -> None:
    assert retry_after_s({}, NOON) is None


def test_a_date_is_compared_with_the_servers_own_clock() -> None:
    headers = {"retry-after": "Sun, 01 Mar 2026 09:00:10 GMT", "date": "Sun, 01 Mar 2026 09:00:00 GMT"}
    assert retry_after_s(headers, NOON) == 10
