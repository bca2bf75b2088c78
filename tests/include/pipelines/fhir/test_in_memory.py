from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from include.engine.errors import SettingsError, TransientError
from include.pipelines.fhir.client.client import FHIRClient
from include.pipelines.fhir.client.settings import FhirSettings
from include.pipelines.fhir.in_memory import InMemoryRunner
from include.pipelines.fhir.views.manager import ViewDefinitionManager
from tests.fixtures.clocks import QuickClock
from tests.fixtures.loopback import Received, Reply, fhir, loopback, outcome
from tests.include.pipelines.fhir.views.documents import column, columns, compiled

VIEW = ViewDefinitionManager()["patient_demographics"]
SMALL = compiled(columns(column("gender", "gender")))

Make = Callable[..., InMemoryRunner]


class Clinic:
    """A server of numbered patients, a page of at most 40 an answer."""

    def __init__(self) -> None:
        self.patients: list[dict[str, Any]] = [self.patient(number) for number in range(100)]
        self.searches = 0

    @staticmethod
    def patient(number: int, **more: Any) -> dict[str, Any]:
        return {"resourceType": "Patient", "id": f"p{number}", "gender": "female" if number % 2 else "male", **more}

    def __call__(self, request: Received) -> Reply:
        self.searches += 1
        found = [one for one in self.patients if one["gender"] == request.query.get("gender", one["gender"])]
        start, size = int(request.query.get("start", 0)), min(40, int(request.query["_count"]))
        document: dict[str, Any] = {
            "resourceType": "Bundle",
            "type": "searchset",
            "total": len(found),
            "entry": [{"search": {"mode": "match"}, "resource": one} for one in found[start : start + size]],
        }
        if start + size < len(found):
            path = request.target.partition("&start=")[0].removeprefix("/fhir/")
            document["link"] = [{"relation": "next", "url": f"{path}&start={start + size}"}]
        return fhir(document)


@pytest.fixture
def clinic() -> Clinic:
    return Clinic()


@pytest.fixture
def runner(clinic: Clinic) -> Iterator[Make]:
    with ExitStack() as stack:

        def make(**options: Any) -> InMemoryRunner:
            server = stack.enter_context(loopback(clinic))
            client = FHIRClient(FhirSettings(base_url=server.base), clock=QuickClock())
            return InMemoryRunner(stack.enter_context(client), **options)

        yield make


@pytest.mark.parametrize("options", [{}, {"parallel_processing": False}, {"max_parallel_resources": 1}])
def test_the_rows_are_those_that_a_warehouse_would_get(runner: Make, clinic: Clinic, options: dict[str, Any]) -> None:
    result = runner(**options).execute(VIEW)
    assert result.rows == tuple(row for patient in clinic.patients for row in VIEW.rows(patient))
    assert result.columns == ("resource_key", "resource_version", *(column.name for column in VIEW.columns))
    assert (result.resources, result.rejected) == (100, ())
    assert clinic.searches == 3


def test_no_page_is_asked_for_beyond_max_resources(runner: Make, clinic: Clinic) -> None:
    one = runner()
    assert [row[0] for row in one.execute(SMALL, 3).rows] == ["Patient/p0", "Patient/p1", "Patient/p2"]
    assert one.execute(SMALL, 1).resources == 1
    assert clinic.searches == 2
    assert one.execute(SMALL, 0).rows == ()
    assert clinic.searches == 2
    assert one.execute(SMALL, 40).resources == 40
    assert clinic.searches == 3


def test_an_empty_server_gives_an_empty_result_which_is_cached_too(runner: Make, clinic: Clinic) -> None:
    clinic.patients = []
    one = runner()
    assert one.execute(VIEW).rows == one.execute(VIEW).rows == ()
    assert (clinic.searches, one.statistics.cache_hits) == (1, 1)


def test_one_bad_resource_is_logged_by_its_id_and_left_out(
    runner: Make, clinic: Clinic, caplog: pytest.LogCaptureFixture
) -> None:
    clinic.patients[5] = clinic.patient(5, deceasedBoolean="Zyxwvut")
    clinic.patients[6] = {"resourceType": "Patient", "id": "Zyxwvut Doe", "gender": "male"}
    one = runner()
    result = one.execute(VIEW)
    assert (result.resources, len(result.rows)) == (100, 98)
    assert result.rejected == (
        ("Patient/p5", "fhir_view.value_type"),
        ("a resource without an id", "fhir_view.no_id"),
    )
    assert "Patient/p5 is left out: fhir_view.value_type" in caplog.text
    assert "Zyxwvut" not in caplog.text
    assert one.statistics.rejected == 2


def test_the_cache_tells_view_parameters_and_limits_apart_and_its_rate_is_counted(runner: Make, clinic: Clinic) -> None:
    one = runner()
    asked: list[tuple[Any, ...]] = [
        (SMALL,),
        (VIEW,),
        (SMALL, 10),
        (SMALL, None, [("gender", "male")]),
        (SMALL, None, [("gender", "female")]),
    ]
    first = [one.execute(*each) for each in asked]
    again = [one.execute(*each) for each in asked]
    assert [result.from_cache for result in first + again] == [False] * 5 + [True] * 5
    assert [result.rows for result in first] == [result.rows for result in again]
    found = one.statistics
    assert (found.executions, found.cache_hits, found.cache_misses, found.cache_hit_rate) == (10, 5, 5, 0.5)
    one.clear_cache()
    assert not one.execute(SMALL).from_cache


def test_a_view_of_the_same_name_and_other_content_is_another_view(runner: Make) -> None:
    one = runner()
    one.execute(SMALL)
    assert not one.execute(compiled(columns(column("gender", "gender.upper()")))).from_cache
    assert one.execute(compiled(columns(column("gender", "gender")))).from_cache


def test_a_result_is_asked_for_again_when_its_time_is_over(runner: Make, clinic: Clinic) -> None:
    now = [0.0]
    one = runner(cache_ttl_seconds=300, timer=lambda: now[0])
    one.execute(SMALL, 1)
    now[0] = 299
    assert one.execute(SMALL, 1).from_cache
    now[0] = 301
    assert not one.execute(SMALL, 1).from_cache


def test_the_cache_is_bounded_in_rows_and_the_least_recently_used_goes_first(runner: Make) -> None:
    one = runner(cache_max_rows=24)
    one.execute(SMALL, 10)
    one.execute(SMALL, 11)
    one.execute(SMALL, 10)
    one.execute(SMALL, 12)
    assert one.execute(SMALL, 10).from_cache
    assert not one.execute(SMALL, 11).from_cache
    assert not one.execute(SMALL, 90).from_cache
    assert not one.execute(SMALL, 90).from_cache, "more rows than the cache holds"


def test_without_cache_every_execution_asks(runner: Make, clinic: Clinic) -> None:
    one = runner(enable_cache=False)
    one.execute(SMALL, 1)
    assert not one.execute(SMALL, 1).from_cache
    assert (clinic.searches, one.statistics.cache_hit_rate) == (2, 0.0)


def test_many_threads_share_a_runner(runner: Make) -> None:
    one = runner()
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda number: one.execute(SMALL, 10 + number % 4), range(80)))
    assert [len(result.rows) for result in results] == [10 + number % 4 for number in range(80)]
    found = one.statistics
    assert found.executions == found.cache_hits + found.cache_misses == 80
    assert found.cache_hits >= 80 - 4 * 8


def test_an_error_of_the_server_is_the_callers_and_is_not_cached(clinic: Clinic) -> None:
    with loopback(lambda _: outcome(503)) as server:
        client = FHIRClient(FhirSettings(base_url=server.base), clock=QuickClock())
        one = InMemoryRunner(client)
        for _ in range(2):
            with pytest.raises(TransientError):
                one.execute(SMALL)
    assert one.statistics.executions == 0


@pytest.mark.parametrize("bad", [{"max_parallel_resources": 0}, {"cache_ttl_seconds": 0}, {"cache_max_rows": 0}])
def test_bounds_that_cannot_be_are_refused(runner: Make, bad: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        runner(**bad)
    with pytest.raises(SettingsError, match="max_resources must be 0 or more"):
        runner().execute(SMALL, -1)
