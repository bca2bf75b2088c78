from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from include.engine.errors import FatalError, TransientError
from include.engine.judge import NoAnswer
from include.engine.model import NamedSlice, Record
from include.pipelines.fhir.client.client import FHIRClient
from include.pipelines.fhir.client.settings import FhirSettings
from include.pipelines.fhir.source.searched import LISTED, Searched
from include.warehouse.vanished import Vanished
from tests.fixtures.clocks import QuickClock
from tests.fixtures.loopback import LoopbackServer, Received, Reply, fhir, loopback, outcome


def patient(name: str) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": name, "meta": {"lastUpdated": "2026-01-01T00:00:00Z"}}


def bundle(*entries: tuple[str, dict[str, Any]]) -> Reply:
    listed = [{"search": {"mode": mode}, "resource": resource} for mode, resource in entries]
    return fhir({"resourceType": "Bundle", "type": "searchset", "entry": listed})


def searched(server: LoopbackServer, elements: dict[str, tuple[str, ...]] | None = None) -> Searched:
    settings = FhirSettings(base_url=server.base)
    return Searched(lambda: FHIRClient(settings, clock=QuickClock()), elements or {})


def read(
    handle: Callable[[Received], Reply], *keys: str, vanished: Vanished = "keep"
) -> tuple[list[Record], list[Received]]:
    with loopback(handle) as server:
        return list(searched(server).listed(keys, vanished)), server.received


def test_a_slice_is_the_search_that_its_name_and_bounds_say() -> None:
    organization = {"resourceType": "Organization", "id": "o1"}
    with loopback(lambda _: bundle(("match", patient("p1")), ("include", organization))) as server:
        part = NamedSlice("Patient?active=true", "2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z")
        found = list(searched(server, {"Patient": ("id", "name")}).slice(part))
        request = server.received[0]
    assert [record.key for record in found] == ["Patient/p1", "Organization/o1"]
    assert found[0].version == "2026-01-01T00:00:00.000000Z"
    assert "_lastUpdated=ge2026-01-01T00%3A00%3A00.000Z&_lastUpdated=lt2026-02-01T00%3A00%3A00.000Z" in request.target
    assert (request.query["active"], request.query["_elements"]) == ("true", "id,name")


def test_a_server_without_totals_is_asked_for_a_count_so_that_a_link_that_is_lost_is_found_out() -> None:
    def handle(request: Received) -> Reply:
        if "_summary" in request.query:
            return fhir({"resourceType": "Bundle", "type": "searchset", "total": 2})
        return bundle(("match", patient("p1")))

    with loopback(handle) as server:
        records = searched(server).slice(NamedSlice("Patient", None, "2026-02-01T00:00:00.000Z"))
        assert next(records).key == "Patient/p1"
        with pytest.raises(TransientError, match="1 of the 2 matches that the server counts arrived"):
            next(records)
        assert "_lastUpdated" in server.received[1].query


def test_a_slice_of_a_name_that_is_no_search_is_fatal_before_the_server_is_asked() -> None:
    with loopback(lambda _: bundle()) as server:
        with pytest.raises(FatalError, match="give texts such as"):
            list(searched(server).slice(NamedSlice("nonsense", None, None)))
        assert server.received == []


def test_listed_keys_are_asked_for_together_by_type() -> None:
    def handle(request: Received) -> Reply:
        kind = request.path.rpartition("/")[2]
        ids = request.query["_id"].split(",")
        return bundle(*(("match", {"resourceType": kind, "id": name}) for name in reversed(ids)))

    keys = [f"Patient/p{number}" for number in range(LISTED + 1)]
    found, received = read(handle, *keys, "Claim/c1", "Patient/p0")
    assert sorted(str(record.key) for record in found) == sorted([*keys, "Claim/c1", "Patient/p0"])
    assert [request.query["_count"] for request in received] == [str(LISTED), "1", "2"]


def test_a_listed_key_that_no_search_finds_is_looked_up_and_its_answer_decides() -> None:
    def handle(request: Received) -> Reply:
        if "_id" in request.query:
            return bundle(("match", patient("here")), ("match", patient("unasked")))
        if "_count" in request.query:
            return fhir({"resourceType": "Bundle", "type": "searchset"}, Date="Sun, 01 Mar 2026 11:59:59 GMT")
        answers = {
            "gone": outcome(410, code="deleted"),
            "nowhere": outcome(404, code="not-found"),
            "shut": outcome(403, code="forbidden"),
            "late": fhir(patient("late")),
        }
        return answers[request.path.rpartition("/")[2]]

    keys = ("Patient/here", "Patient/gone", "Patient/nowhere", "Patient/shut", "Patient/late", "no key")
    found = {str(record.key): record for record in read(handle, *keys)[0]}
    assert set(found) == set(keys)
    assert found["Patient/here"].payload is not None
    assert found["Patient/late"].payload is not None
    gone = found["Patient/gone"]
    assert (gone.payload, gone.fault) == (None, None)
    assert gone.version == "2026-03-01T12:00:00.000000Z", "by the server's clock, which tells whole seconds"
    faults = {key: record.fault.code for key, record in found.items() if record.fault}
    assert faults == {
        "Patient/nowhere": "source.missing",
        "Patient/shut": "fhir.refused",
        "no key": "source.missing",
    }


@pytest.mark.parametrize(("vanished", "stay"), [("keep", True), ("count", True), ("remove", False)])
def test_the_rows_of_a_listed_resource_that_the_server_does_not_know_stay_unless_the_vanished_are_removed(
    vanished: Vanished, stay: bool
) -> None:
    def handle(request: Received) -> Reply:
        if "_id" in request.query:
            return bundle()
        if "_count" in request.query:
            return fhir({"resourceType": "Bundle", "type": "searchset"}, Date="Sun, 01 Mar 2026 11:59:59 GMT")
        return outcome(404, code="not-found")

    (record,) = read(handle, "Patient/nowhere", vanished=vanished)[0]
    assert record.fault is not None
    assert record.fault.code == "source.missing"
    assert isinstance(record.fault, NoAnswer) is stay
