from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from include.engine.names import MAX_NAMES, OTHER, add_names


@given(st.lists(st.dictionaries(st.text(max_size=3), st.integers(1, 9), max_size=40), max_size=8))
def test_names_are_bounded_and_no_count_is_lost(parts: list[dict[str, int]]) -> None:
    total: dict[str, int] = {}
    for part in parts:
        total = add_names(total, part)
    assert len(total) <= MAX_NAMES + 1
    assert sum(total.values()) == sum(sum(part.values()) for part in parts)


def test_the_name_that_does_not_fit_is_counted_as_other() -> None:
    full = {f"n{number}": 1 for number in range(MAX_NAMES)}
    assert add_names(full, {"late": 2, "n0": 1}) == {**full, "n0": 2, OTHER: 2}


def test_a_bound_that_is_given_takes_the_place_of_the_usual_one() -> None:
    assert add_names({"a": 1}, {"b": 2, "c": 3, "a": 4}, 2) == {"a": 5, "b": 2, OTHER: 3}
