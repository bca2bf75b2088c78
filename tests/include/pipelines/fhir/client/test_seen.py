from __future__ import annotations

from contextlib import closing

from hypothesis import given
from hypothesis import strategies as st

from include.pipelines.fhir.client.seen import SeenKeys

KEYS = st.tuples(st.sampled_from(["match", "include"]), st.text(max_size=2))


@given(st.lists(KEYS, max_size=60), st.integers(0, 20))
def test_it_is_a_set_whether_its_keys_lie_in_memory_or_in_a_file(keys: list[tuple[str, str]], in_memory: int) -> None:
    known: set[tuple[str, str]] = set()
    with closing(SeenKeys(in_memory)) as seen:
        for key in keys:
            assert seen.add(*key) is (key not in known)
            known.add(key)
        assert len(seen._held) <= in_memory


def test_memory_is_bounded_and_what_lies_in_the_file_is_found() -> None:
    with closing(SeenKeys(in_memory=10)) as seen:
        assert all(seen.add(str(number)) for number in range(3_000))
        assert not any(seen.add(str(number)) for number in range(3_000))
        assert "2999" in seen
        assert "5" in seen
        assert "3000" not in seen
        assert len(seen._held) == 10


def test_parts_do_not_run_into_each_other() -> None:
    with closing(SeenKeys()) as seen:
        assert seen.add("ab", "c")
        assert seen.add("a", "bc")
