"""Splits documents into batches of about the same work."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from math import ceil

from include.engine.errors import SettingsError
from include.pipelines.pdf.manifest.model import ManifestDocument


def create_document_batches(documents: Sequence[ManifestDocument], batch_size: int) -> list[list[ManifestDocument]]:
    """As few batches of at most `batch_size` documents as there can be, with about the same bytes each.

    The largest documents are dealt out first, each to the batch with the fewest bytes that has room. Documents whose
    entry says no size count as the mean of the others. Within a batch the order is the manifest's.
    """
    if batch_size < 1:
        raise SettingsError(f"batch_size is {batch_size}: give a whole number of at least 1")
    if not documents:
        return []
    sizes = _sizes(documents)
    dealt: list[list[int]] = [[] for _ in range(ceil(len(documents) / batch_size))]
    lightest = [(0.0, 0, number) for number in range(len(dealt))]
    for position in sorted(range(len(documents)), key=lambda at: (-sizes[at], at)):
        load, _, number = heapq.heappop(lightest)
        dealt[number].append(position)
        if len(dealt[number]) < batch_size:
            heapq.heappush(lightest, (load + sizes[position], len(dealt[number]), number))
    return [[documents[position] for position in sorted(positions)] for positions in dealt if positions]


def _sizes(documents: Sequence[ManifestDocument]) -> list[float]:
    known = [document.bytes for document in documents if document.bytes is not None]
    mean = sum(known) / len(known) if known else 1.0
    return [mean if document.bytes is None else float(document.bytes) for document in documents]
