from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from include.warehouse.storable import storable

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)


@given(ANY_TEXT, st.integers(1, 50))
def test_what_is_stored_fits_and_every_database_holds_it(text: str, max_units: int) -> None:
    stored = storable(text, max_units)
    assert len(stored.encode("utf-16-le")) <= 2 * max_units
    assert "\0" not in stored


@given(st.text(max_size=60))
def test_text_that_fits_and_has_no_nul_stays_as_it_is(text: str) -> None:
    if "\0" not in text:
        assert storable(text, 120) == text


def test_a_pair_is_never_cut_in_two() -> None:
    assert storable("ab\U0001f600", 3) == "ab"
