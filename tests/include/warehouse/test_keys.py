from __future__ import annotations

import pytest

from include.warehouse.keys import key_fault


@pytest.mark.parametrize("key", ["a ", " ", "\u00e9   "])
def test_a_key_with_blanks_at_its_end_is_refused_with_the_way_to_read_it_without(key: str) -> None:
    fault = key_fault(key)
    assert fault is not None
    assert str(fault) == (
        "key.trailing_blank: the key ends in a blank: of a char(n) column, read a view with RTRIM of it"
    )
