from __future__ import annotations

import pytest

from include.pipelines.csv.quota.headers import Told, seconds, told


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1s", 1),
        ("6m0s", 360),
        ("2m59.56s", 179.56),
        ("120ms", 0.12),
        ("1h1m1s", 3661),
        ("7.66s", 7.66),
        ("24h", 86_400),
        ("12", 12),
        ("0", 0),
        ("", None),
        ("soon", None),
        ("-1s", None),
        ("s", None),
        ("9" * 400, None),
    ],
)
def test_durations_are_read_as_services_write_them_and_nothing_else(text: str, expected: float | None) -> None:
    assert seconds(text) == (None if expected is None else pytest.approx(expected))


def test_what_cannot_be_read_is_not_told() -> None:
    headers = {"x-ratelimit-limit-tokens": "many", "x-ratelimit-remaining-tokens": "-3"}
    assert told(headers, "tokens") == Told(None, None, None)


def test_each_kind_has_its_own_headers() -> None:
    headers = {
        "x-ratelimit-limit-requests": "14400",
        "x-ratelimit-remaining-requests": "14370",
        "x-ratelimit-reset-requests": "2m59.56s",
        "x-ratelimit-limit-tokens": "18000",
    }
    assert told(headers, "requests") == Told(14_400, 14_370, 179.56)
    assert told(headers, "tokens") == Told(18_000, None, None)
