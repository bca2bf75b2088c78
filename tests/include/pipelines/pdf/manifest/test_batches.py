from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.engine.errors import SettingsError
from include.pipelines.pdf.manifest.batches import create_document_batches
from tests.include.pipelines.pdf.entries import document

SIZES = st.lists(st.one_of(st.none(), st.integers(0, 1000)), max_size=40)


@given(SIZES, st.integers(1, 12))
def test_each_document_is_in_one_batch_of_as_few_as_can_be_and_order_is_kept_within(
    sizes: list[int | None], batch_size: int
) -> None:
    documents = [document(f"{number}.pdf", bytes=size) for number, size in enumerate(sizes)]
    batches = create_document_batches(documents, batch_size)
    assert len(batches) == -(-len(documents) // batch_size)
    assert all(0 < len(batch) <= batch_size for batch in batches)
    positions = [[documents.index(one) for one in batch] for batch in batches]
    assert sorted(chain.from_iterable(positions)) == list(range(len(documents)))
    assert all(batch == sorted(batch) for batch in positions)


def test_the_bytes_are_shared_out_evenly_though_the_large_documents_stand_together() -> None:
    sizes = [900, 800, 700, 600, 10, 10, 10, 10, 10, 10, 10, 10]
    documents = [document(f"{number}.pdf", bytes=size) for number, size in enumerate(sizes)]
    loads = [sum(one.bytes or 0 for one in batch) for batch in create_document_batches(documents, 3)]
    assert sorted(loads) == [620, 720, 820, 920]


def test_documents_of_unknown_size_count_as_the_mean() -> None:
    documents = [document("0.pdf", bytes=300), *(document(f"{number}.pdf") for number in range(1, 4))]
    assert [len(batch) for batch in create_document_batches(documents, 2)] == [2, 2]


def test_a_batch_size_below_one_is_refused() -> None:
    with pytest.raises(SettingsError, match="batch_size is 0"):
        create_document_batches([document("a.pdf")], 0)
