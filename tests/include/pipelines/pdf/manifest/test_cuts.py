from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.engine.errors import SettingsError
from include.engine.model import Batch, LineRange
from include.engine.plan import MAX_BATCHES
from include.pipelines.pdf.manifest.cuts import HEAVIEST, Cuts

LINES = st.lists(st.tuples(st.integers(1, 500), st.none() | st.integers(0, 10_000)), max_size=200)


def cut(lines: list[tuple[int, int | None]], batch_size: int) -> tuple[list[Batch], float]:
    known = [size for _, size in lines if size is not None]
    mean = sum(known) / len(known) if known else 0.0
    cuts = Cuts(batch_size, mean)
    for line_bytes, document_bytes in lines:
        cuts.add(line_bytes, document_bytes)
    return cuts.batches("copy", "pin"), mean


def part_of(batch: Batch) -> LineRange:
    assert isinstance(batch.part, LineRange)
    return batch.part


@given(lines=LINES, batch_size=st.integers(1, 30))
def test_every_line_is_in_one_batch_and_no_batch_is_too_many_or_too_heavy(
    lines: list[tuple[int, int | None]], batch_size: int
) -> None:
    batches, mean = cut(lines, batch_size)
    at = offset = 0
    for index, batch in enumerate(batches):
        part = part_of(batch)
        held = lines[part.first_line : part.last_line]
        assert (batch.index, part.first_line, part.start) == (index, at, offset)
        assert batch.planned_records == len(held) <= batch_size
        assert held
        at, offset = part.last_line, part.end
        assert offset - part.start == sum(line for line, _ in held)
        weight = sum(mean if size is None else size for _, size in held)
        assert len(held) == 1 or not mean or weight <= HEAVIEST * mean * batch_size + 1e-6
    assert (at, offset) == (len(lines), sum(line for line, _ in lines))
    assert len(batches) <= 2 * math.ceil(len(lines) / batch_size) + 1


def test_one_large_document_among_small_ones_goes_alone() -> None:
    batches, _ = cut([(10, 1)] * 10 + [(10, 10_000)] + [(10, 1)] * 10, 7)
    assert [batch.planned_records for batch in batches] == [7, 3, 1, 7, 3]


def test_documents_of_unknown_size_are_cut_by_count() -> None:
    batches, _ = cut([(10, None)] * 25, 10)
    assert [batch.planned_records for batch in batches] == [10, 10, 5]


@pytest.mark.parametrize("count", [MAX_BATCHES * 2, MAX_BATCHES * 3, MAX_BATCHES * 9 + 1])
def test_batches_grow_where_a_run_would_have_too_many(count: int) -> None:
    batches, _ = cut([(1, 5)] * count, 1)
    assert MAX_BATCHES / 2 < len(batches) <= MAX_BATCHES
    assert sum(batch.planned_records for batch in batches) == count
    sizes = {batch.planned_records for batch in batches[:-1]}
    assert len(sizes) == 1


def test_nothing_gives_no_batches() -> None:
    assert Cuts(10, 5.0).batches("copy", "pin") == []


def test_a_batch_size_below_one_is_refused() -> None:
    with pytest.raises(SettingsError, match="batch_size is 0"):
        Cuts(0, 1.0)
