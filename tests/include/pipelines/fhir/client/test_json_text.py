from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.pipelines.fhir.client.json_text import read_object, write_object

DECIMALS = st.from_regex(r"-?(0|[1-9][0-9]{0,20})\.[0-9]{1,20}([eE][+-]?[0-9]{1,3})?", fullmatch=True).map(Decimal)
NAMES = st.text(max_size=3)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | DECIMALS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)


def digits(value: Any) -> Any:
    """Decimals that are equal may have other digits (1.0 and 1.00): their texts tell."""
    if isinstance(value, dict):
        return {name: digits(part) for name, part in value.items()}
    if isinstance(value, list):
        return [digits(part) for part in value]
    # Decimal writes 0E-3 as 0.000 and 1E+2 as it is; without a fraction it comes back as an int.
    whole = isinstance(value, Decimal) and str(value).lstrip("-").isdecimal()
    return int(value) if whole else str(value) if isinstance(value, Decimal) else value


@settings(max_examples=60)
@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_what_is_written_is_read_with_every_digit(resource: dict[str, Any]) -> None:
    assert digits(read_object(write_object(resource))) == digits(resource)


def test_a_decimal_keeps_its_precision() -> None:
    found = read_object(b'{"value": 1.10, "large": 12345678901234567890.123456789}')
    assert found is not None
    assert write_object(found) == '{"value":1.10,"large":12345678901234567890.123456789}'


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'"x"', b'{"a": NaN}', b"\xff{}", b'{"a":' * 100_000])
def test_what_is_no_object_is_none(text: bytes) -> None:
    assert read_object(text) is None


@pytest.mark.parametrize("value", [{1, 2}, b"x", Decimal("NaN"), object()])
def test_what_is_no_json_value_is_named_by_its_type(value: object) -> None:
    with pytest.raises(TypeError, match=type(value).__name__):
        write_object({"a": value})
