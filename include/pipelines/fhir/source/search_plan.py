"""Splits searches into slices of `_lastUpdated`, by counts where the server gives them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from include.engine.model import Batch, NamedSlice
from include.engine.plan import MAX_BATCHES
from include.engine.slices import CountedRange, fitted, halved
from include.pipelines.fhir.client.bundle import Page
from include.pipelines.fhir.client.client import FHIRClient
from include.pipelines.fhir.client.search import Search, instant
from include.pipelines.fhir.moments import instant_at, milliseconds
from include.pipelines.fhir.streams import Stream

log = logging.getLogger(__name__)

BEFORE_FHIR = datetime.fromisoformat("1900-01-01T00:00:00+00:00")
"""No resource was changed before this, and every server can compare with it."""
EARLIEST = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
"""Where halving begins; the first slice reaches back as far as there is anything."""
AHEAD = timedelta(days=1)
"""A server's clock may go before ours; the last slice has no end where the run has none."""


class Counts(Protocol):
    """What planning asks of a client."""

    def count(self, search: Search) -> int | None:
        """How many match; None where the server does not say."""
        ...

    def search(self, search: Search) -> Page:
        """The first page."""
        ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """Changes that are read, `[lower, upper)`; None is an open end, and both: also what has no `lastUpdated`."""

    lower: datetime | None = None
    upper: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Sliced:
    stream: Stream
    bounds: Bounds
    ranges: Sequence[CountedRange]
    """In milliseconds; the outer bounds are those of `bounds`."""
    estimated: bool = False


def plan_searches(
    client: Counts, wanted: Iterable[tuple[Stream, Bounds]], batch_size: int, now: datetime, most: int = MAX_BATCHES
) -> list[Batch]:
    """Slices of at most `batch_size` resources where times tell them apart; of a type that cannot be counted, one.

    Streams in which nothing is found have none: a count of 0 is believed when a search finds nothing, too. At most
    `most` slices, but for more streams than that. Raises `FatalError` where the server refuses a search.
    """
    sliced = [found for stream, bounds in wanted if (found := _sliced(client, stream, bounds, batch_size, now))]
    merged = fitted([each.ranges for each in sliced], batch_size, most)
    batches: list[Batch] = []
    for each, ranges in zip(sliced, merged, strict=True):
        for part, records in _parts(replace(each, ranges=ranges)):
            batches.append(Batch(len(batches), part, records, estimated=each.estimated))
    return batches


def server_time(client: FHIRClient, stream: Stream) -> datetime:
    """By the server's clock, UTC; by ours where it does not tell."""
    page = client.search(stream.search(page_size=1))
    if page.server_time is None:
        log.warning("the server's answers have no Date: the watermark goes by this machine's clock")
    return page.server_time or datetime.now(UTC)


def _sliced(client: Counts, stream: Stream, bounds: Bounds, size: int, now: datetime) -> _Sliced | None:
    start, end = milliseconds(bounds.lower or EARLIEST), milliseconds(bounds.upper or now + AHEAD)
    lower, upper = _text(bounds.lower), _text(bounds.upper)
    total = client.count(stream.search(lower, upper))
    if not total:
        if _finds_nothing(client.search(stream.search(lower, upper, page_size=1))):
            log.info("%s: the server finds nothing", stream.name)
            return None
        if total is None:
            log.info("%s: the server does not count, so it is read in one batch", stream.name)
        else:
            log.warning("%s: the server counts 0 and finds some, so it is read in one batch", stream.name)
        return _Sliced(stream, bounds, [CountedRange(start, end, size)], estimated=True)
    log.info("%s: the server counts %d", stream.name, total)
    whole = CountedRange(start, end, total)
    if total <= size or end - start < 2 or not _can_slice(client, stream, bounds, total):
        return _Sliced(stream, bounds, [whole])

    def count(first: int, last: int) -> int:
        # The first slice has no lower end where the stream has none.
        found = client.count(stream.search(lower if first == start else instant_at(first), instant_at(last)))
        return 0 if found is None else found

    return _Sliced(stream, bounds, list(halved(count, whole, size)))


def _finds_nothing(page: Page) -> bool:
    return not (page.entries or page.odd_entries or page.next_link or page.total)


def _can_slice(client: Counts, stream: Stream, bounds: Bounds, total: int) -> bool:
    """Whether `_lastUpdated` tells all resources of the stream apart: a slice must not lose one."""
    border = instant(BEFORE_FHIR)
    if client.count(stream.search(None, border)) != 0:
        log.warning("%s: the server does not search by _lastUpdated, so it is read in one batch", stream.name)
        return False
    if bounds.lower is not None or bounds.upper is not None:
        return True
    dated = client.count(stream.search(border, None))
    if dated is None or dated < total:
        log.warning("%s: not all resources have a lastUpdated, so it is read in one batch", stream.name)
        return False
    return True


def _parts(sliced: _Sliced) -> Iterable[tuple[NamedSlice, int]]:
    last = len(sliced.ranges) - 1
    for number, each in enumerate(sliced.ranges):
        lower = _text(sliced.bounds.lower) if number == 0 else instant_at(each.lower)
        upper = _text(sliced.bounds.upper) if number == last else instant_at(each.upper)
        yield NamedSlice(sliced.stream.name, lower, upper), each.records


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else instant(moment)
