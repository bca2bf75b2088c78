from __future__ import annotations

from decimal import Decimal

import pytest

from include.pipelines.fhir.views.resources import read_resource


def test_numbers_keep_every_digit_that_is_written() -> None:
    found = read_resource(b'{"a": 1.50, "b": 7, "c": 96.620890123425380, "d": 1E5, "e": -0.0}')
    assert {name: str(value) for name, value in found.items()} == {
        "a": "1.50",
        "b": "7",
        "c": "96.620890123425380",
        "d": "1E+5",
        "e": "-0.0",
    }
    assert type(found["a"]) is Decimal


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "truncated"),
        (b"5", "no JSON object"),
        (b'{"a": secret}', "no JSON"),
        (b'{"a": "secret\xff"}', "not UTF-8"),
        (b'{"a": 1e99999999999999999999}', "a number beyond all use"),
        (b'{"a": ' + b"9" * 5000 + b"}", "out of range"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_resource_says_why_without_its_values(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message) as raised:
        read_resource(data)
    assert "secret" not in str(raised.value)
