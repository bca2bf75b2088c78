from __future__ import annotations

import io
import tracemalloc
from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.engine.errors import SettingsError
from include.engine.model import Batch, ByteRange, Key, KeyListRange, KeyRange, LineRange
from include.engine.plan import (
    DEFAULT_BATCH_SIZE,
    MAX_BATCHES,
    Bounds,
    auto_batch_size,
    plan_bytes,
    plan_key_list,
    plan_keys,
    plan_lines,
)


class SortedKeys:
    """The key space of a sorted list."""

    def __init__(self, keys: list[Key]) -> None:
        self.keys = sorted(keys)
        self.look_ups = 0

    def count(self) -> int:
        return len(self.keys)

    def key_at(self, start: Key | None, offset: int) -> Key | None:
        self.look_ups += 1
        at = (0 if start is None else bisect_left(self.keys, start)) + offset
        return self.keys[at] if at < len(self.keys) else None


class Endless:
    """A hundred million even numbers that nobody holds."""

    def count(self) -> int:
        return 100_000_000

    def key_at(self, start: Key | None, offset: int) -> Key | None:
        return (0 if start is None else int(start)) + 2 * offset


def holders(batches: list[Batch], key: Key) -> int:
    def inside(part: object) -> bool:
        assert isinstance(part, KeyRange)
        return (part.lower is None or part.lower <= key) and (part.upper is None or key < part.upper)

    return sum(inside(batch.part) for batch in batches)


number_keys = st.lists(st.integers(-(10**12), 10**12), unique=True, max_size=300)
text_keys = st.lists(st.text(max_size=8), unique=True, max_size=300)


@given(keys=st.one_of(number_keys, text_keys), size=st.integers(1, 50), late=st.integers(-(10**12), 10**12))
def test_every_key_falls_into_exactly_one_batch(keys: list[Key], size: int, late: int) -> None:
    batches = plan_keys(SortedKeys(keys), size)

    assert all(holders(batches, key) == 1 for key in keys)
    assert sum(batch.planned_records for batch in batches) == len(keys)
    assert [batch.index for batch in batches] == list(range(len(batches)))
    if batches and isinstance(keys[0], int):
        assert holders(batches, late) == 1, "a key that appears after planning has a batch too"


@pytest.mark.parametrize(
    ("count", "expected"), [(0, []), (1, [1]), (9, [9]), (10, [10]), (11, [10, 1]), (20, [10, 10]), (21, [10, 10, 1])]
)
def test_sizes_at_the_edges(count: int, expected: list[int]) -> None:
    keys: list[Key] = [number * 7 for number in range(count)]

    assert [batch.planned_records for batch in plan_keys(SortedKeys(keys), 10)] == expected
    assert [batch.planned_records for batch in plan_key_list("list", count, 10)] == expected
    assert [batch.planned_records for batch in plan_lines("f", "p", io.BytesIO(b"x\n" * count), 10)] == expected


def test_the_outer_bounds_stay_those_that_were_asked_for() -> None:
    parts = [batch.part for batch in plan_keys(SortedKeys([5, 6, 7]), 2, lower=3, upper=9)]

    assert parts == [KeyRange(3, 7), KeyRange(7, 9)]


def test_a_plan_never_passes_a_thousand_batches_and_makes_one_look_up_each(caplog: pytest.LogCaptureFixture) -> None:
    space = SortedKeys(list(range(100_001)))
    with caplog.at_level("INFO"):
        batches = plan_keys(space, 10)

    assert len(batches) <= MAX_BATCHES
    assert space.look_ups < MAX_BATCHES
    assert "batch size grew from 10 to 101" in caplog.text


def test_a_hundred_million_keys_are_planned_in_flat_memory() -> None:
    tracemalloc.start()
    try:
        batches = plan_keys(Endless(), 2000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert len(batches) == MAX_BATCHES
    assert peak < 2_000_000


def test_keys_deleted_while_planning_end_the_plan_early() -> None:
    class Shrinking(SortedKeys):
        def key_at(self, start: Key | None, offset: int) -> Key | None:
            self.keys = self.keys[: len(self.keys) // 2]
            return super().key_at(start, offset)

    keys: list[Key] = list(range(1000))
    batches = plan_keys(Shrinking(keys), 100)

    assert all(holders(batches, key) == 1 for key in keys)


lines = st.lists(st.binary(max_size=12).filter(lambda line: b"\n" not in line), max_size=80)


@given(lines=lines, size=st.integers(1, 9), terminated=st.booleans())
def test_line_ranges_cut_the_file_at_line_starts(lines: list[bytes], size: int, terminated: bool) -> None:
    text = b"".join(line + b"\n" for line in lines)
    if not terminated and text:
        text = text[:-1]
    batches = plan_lines("file", "pin", io.BytesIO(text), size)

    parts = [batch.part for batch in batches]
    assert all(isinstance(part, LineRange) for part in parts)
    pieces = [text[part.start : part.end] for part in parts if isinstance(part, LineRange)]
    assert b"".join(pieces) == text
    counts = [piece.count(b"\n") + (not piece.endswith(b"\n")) for piece in pieces]
    assert counts == [batch.planned_records for batch in batches]
    assert all(piece.endswith(b"\n") for piece in pieces[:-1])


def test_a_long_file_keeps_to_a_thousand_batches_of_one_size() -> None:
    batches = plan_lines("file", "pin", io.BytesIO(b"line\n" * 1_000_003), 100)

    assert len(batches) <= MAX_BATCHES
    assert sum(batch.planned_records for batch in batches) == 1_000_003
    assert len({batch.planned_records for batch in batches[:-1]}) == 1


def test_byte_ranges_cover_the_file_and_call_their_counts_estimates() -> None:
    batches = plan_bytes("file", "pin", 1001, 100, mean_record_bytes=10)

    assert [batch.part for batch in batches][-1] == ByteRange("file", "pin", 1000, 1001)
    assert all(batch.estimated for batch in batches)
    assert batches[0].planned_records == 10


def test_key_lists_are_cut_by_position() -> None:
    assert [batch.part for batch in plan_key_list("l", 5, 3)] == [KeyListRange("l", 0, 3), KeyListRange("l", 3, 5)]


@pytest.mark.parametrize(("rate", "expected"), [(None, DEFAULT_BATCH_SIZE), (100.0, 2000), (0.1, 50), (10**9, 100_000)])
def test_auto_size_takes_the_measured_rate_within_bounds(rate: float | None, expected: int) -> None:
    assert auto_batch_size(rate, 20) == expected


def test_a_batch_size_below_one_is_refused() -> None:
    with pytest.raises(SettingsError, match="at least 1"):
        plan_key_list("list", 5, 0)


@given(sizes=st.lists(st.integers(1, 9), max_size=300), batch_size=st.integers(1, 20), most=st.integers(1, 12))
def test_records_that_pass_by_are_each_in_one_batch_of_which_there_are_never_too_many(
    sizes: list[int], batch_size: int, most: int
) -> None:
    bounds = Bounds(batch_size, (0, 0), "rows", most)
    at = (0, 0)
    for size in sizes:
        if bounds.is_due(at[0]):
            bounds.cut(at)
        at = at[0] + 1, at[1] + size
    spans = bounds.between(at)
    assert len(spans) <= most
    assert [start for start, _ in spans] == [(0, 0), *(end for _, end in spans)][: len(spans)]
    assert all(end[1] - start[1] == sum(sizes[start[0] : end[0]]) for start, end in spans)
    assert sum(end[0] - start[0] for start, end in spans) == len(sizes)
