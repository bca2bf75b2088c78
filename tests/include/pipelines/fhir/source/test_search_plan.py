from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from include.engine.model import Batch, NamedSlice
from include.pipelines.fhir.client.bundle import Page, SearchEntry
from include.pipelines.fhir.client.search import Search
from include.pipelines.fhir.source.search_plan import Bounds, plan_searches
from include.pipelines.fhir.streams import Stream, streams_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PATIENTS = Stream("Patient", "Patient")
YEAR_AGO = NOW - timedelta(days=365)


class Server:
    """Resources by the moments of their last change; some may have none."""

    def __init__(self, moments: list[datetime], undated: int = 0, *, counts: bool = True, dates: bool = True) -> None:
        self.moments = moments
        self.undated = undated
        self.counts = counts
        self.dates = dates
        self.asked: list[Search] = []
        self.link: str | None = None

    def search(self, search: Search) -> Page:
        found = SearchEntry("match", {"resourceType": "Patient", "id": "p1"})
        return Page([found] if self.moments else [], Counter(), None, self.link, None, 0)

    def count(self, search: Search) -> int | None:
        self.asked.append(search)
        bounds = [value for name, value in search.params if name == "_lastUpdated"]
        if not self.counts:
            return None
        if not bounds or not self.dates:
            return len(self.moments) + self.undated
        return sum(1 for moment in self.moments if all(holds(moment, bound) for bound in bounds))


def holds(moment: datetime, bound: str) -> bool:
    border = datetime.fromisoformat(bound[2:])
    return moment >= border if bound.startswith("ge") else moment < border


def minutes(count: int, start: datetime = YEAR_AGO) -> list[datetime]:
    return [start + timedelta(minutes=number) for number in range(count)]


def plan(server: Server, size: int = 100, bounds: Bounds | None = None, most: int = 1000) -> list[Batch]:
    return plan_searches(server, [(PATIENTS, bounds or Bounds())], size, NOW, most)


def slices(batches: list[Batch]) -> list[NamedSlice]:
    return [batch.part for batch in batches if isinstance(batch.part, NamedSlice)]


def assert_without_gaps(batches: list[Batch], server: Server, bounds: Bounds) -> None:
    """Every resource that the bounds choose lies in exactly one slice, with those changed at any other time."""
    found = slices(batches)
    assert all(one.upper == other.lower for one, other in pairwise(found))
    chosen = [m for m in server.moments if (bounds.lower is None or m >= bounds.lower)]
    chosen = [m for m in chosen if bounds.upper is None or m < bounds.upper]
    for batch, part in zip(batches, found, strict=True):
        asked = PATIENTS.search(part.lower, part.upper)
        assert Server(chosen).count(asked) == batch.planned_records


def test_what_fits_one_batch_is_one_slice_without_bounds_so_that_undated_resources_come_too() -> None:
    server = Server(minutes(60), undated=40)
    assert plan(server) == [Batch(0, NamedSlice("Patient", None, None), 100)]
    assert len(server.asked) == 1


def test_more_is_split_by_time_without_gaps_and_the_ends_stay_open() -> None:
    server = Server(minutes(1_000))
    batches = plan(server)
    assert 10 <= len(batches) <= 20
    assert all(batch.planned_records <= 100 and not batch.estimated for batch in batches)
    assert sum(batch.planned_records for batch in batches) == 1_000
    assert (slices(batches)[0].lower, slices(batches)[-1].upper) == (None, None)
    assert_without_gaps(batches, server, Bounds())


@pytest.mark.parametrize("upper", [None, YEAR_AGO + timedelta(minutes=700)])
def test_bounds_of_a_run_stay_the_outer_bounds(upper: datetime | None) -> None:
    server = Server(minutes(1_000))
    bounds = Bounds(YEAR_AGO + timedelta(minutes=300, microseconds=17), upper)
    batches = plan(server, bounds=bounds)
    found = slices(batches)
    assert found[0].lower == "2025-03-01T17:00:00.000Z", "to the millisecond, as the search will ask"
    assert found[-1].upper == (None if upper is None else "2025-03-01T23:40:00.000Z")
    assert_without_gaps(batches, server, Bounds(YEAR_AGO + timedelta(minutes=300), upper))


def test_resources_changed_before_halving_begins_lie_in_the_first_slice() -> None:
    server = Server([*minutes(5, datetime(1999, 1, 1, tzinfo=UTC)), *minutes(400)])
    assert_without_gaps(plan(server), server, Bounds())


def test_changes_of_one_millisecond_stay_together_however_many() -> None:
    server = Server([YEAR_AGO] * 500 + minutes(100, YEAR_AGO + timedelta(days=1)))
    batches = plan(server)
    assert max(batch.planned_records for batch in batches) == 500
    assert_without_gaps(batches, server, Bounds())


@pytest.mark.parametrize(
    ("server", "said"),
    [
        (Server(minutes(500), undated=1), "not all resources have a lastUpdated"),
        (Server(minutes(500), dates=False), "does not search by _lastUpdated"),
    ],
)
def test_where_times_do_not_tell_all_resources_apart_a_type_is_one_batch(
    server: Server, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert slices(plan(server)) == [NamedSlice("Patient", None, None)]
    assert said in caplog.text


def test_a_server_that_does_not_count_gives_one_batch_a_type_marked_an_estimate() -> None:
    batch = Batch(0, NamedSlice("Patient", None, None), 70, estimated=True)
    assert plan(Server(minutes(9), counts=False), 70) == [batch]
    assert plan(Server([], counts=False)) == []


def test_a_count_of_0_is_believed_only_where_a_search_finds_nothing_too(caplog: pytest.LogCaptureFixture) -> None:
    liar = Server(minutes(9))
    liar.count = lambda search: 0  # type: ignore[method-assign]
    batch = Batch(0, NamedSlice("Patient", None, None), 70, estimated=True)
    assert plan(liar, 70) == [batch]
    assert "counts 0 and finds some" in caplog.text
    empty = Server([])
    assert plan(empty) == []
    empty.link = "?page=2"
    assert plan(empty, 70) == [batch], "an empty page with a link is no end"


def test_types_without_resources_have_no_batch_and_indexes_go_on_over_types() -> None:
    class ByType(Server):
        def count(self, search: Search) -> int | None:
            return {"Claim": 0, "Observation": 3, "Patient": 2}[search.resource_type]

    wanted = [(stream, Bounds()) for stream in streams_of(["Patient", "Observation", "Claim"], [])]
    batches = plan_searches(ByType([]), wanted, 100, NOW)
    assert [(batch.index, batch.label) for batch in batches] == [(0, "0: Observation"), (1, "1: Patient")]


def test_batches_grow_where_a_run_would_have_too_many() -> None:
    server = Server(minutes(1_000))
    batches = plan(server, size=10, most=5)
    assert len(batches) <= 5
    assert_without_gaps(batches, server, Bounds())


def test_a_server_that_stops_counting_half_way_loses_nothing() -> None:
    server = Server(minutes(1_000))
    count: Callable[[Search], int | None] = server.count
    server.count = lambda search: count(search) if len(server.asked) < 6 else None  # type: ignore[method-assign]
    found = slices(plan(server))
    assert (found[0].lower, found[-1].upper) == (None, None)
    assert all(one.upper == other.lower for one, other in pairwise(found))
