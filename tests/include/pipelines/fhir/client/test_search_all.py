from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from include.engine.errors import FatalError, TransientError
from include.pipelines.fhir.client import pages
from include.pipelines.fhir.client.client import FHIRClient
from include.pipelines.fhir.client.search import Search
from tests.fixtures.loopback import LoopbackServer, Received, Reply, fhir, outcome
from tests.include.pipelines.fhir.client.conftest import Serve

Connect = Callable[..., FHIRClient]
PATIENTS = Search(resource_type="Patient")


def patient(identity: str, version: str | None = "1", **more: Any) -> dict[str, Any]:
    meta = {} if version is None else {"meta": {"versionId": version}}
    return {"resource": {"resourceType": "Patient", "id": identity, **meta, **more}}


def paged(serve: Serve, *pages_: list[dict[str, Any]], **bundle: Any) -> LoopbackServer:
    """A server of these pages, each linked to the next by a relative link."""

    def page(request: Received) -> Reply:
        number = int(request.query.get("page", "0"))
        link = [{"relation": "next", "url": f"?page={number + 1}"}] if number + 1 < len(pages_) else []
        return fhir({"resourceType": "Bundle", "type": "searchset", "link": link, "entry": pages_[number], **bundle})

    return serve(page)


def ids(client: FHIRClient) -> list[str]:
    return [entry.resource["id"] for entry in client.search_all(PATIENTS)]


def test_an_empty_page_between_others_is_no_end_and_no_error(serve: Serve, connect: Connect) -> None:
    server = paged(serve, [patient("1")], [], [], [patient("2")], total=2)
    assert ids(connect(server.base)) == ["1", "2"]


def test_no_entries_at_all_is_an_empty_result(serve: Serve, connect: Connect) -> None:
    server = serve(lambda _: fhir({"resourceType": "Bundle", "type": "searchset", "total": 0}))
    assert ids(connect(server.base)) == []


def test_the_same_version_comes_once_and_another_version_comes_too(serve: Serve, connect: Connect) -> None:
    server = paged(serve, [patient("1"), patient("2")], [patient("2"), patient("1", "2")], [patient("1")], total=2)
    found = [
        (entry.resource["id"], entry.resource["meta"]["versionId"])
        for entry in connect(server.base).search_all(PATIENTS)
    ]
    assert found == [("1", "1"), ("2", "1"), ("1", "2")]


def test_without_a_version_only_the_very_same_content_is_a_duplicate(serve: Serve, connect: Connect) -> None:
    server = paged(serve, [patient("1", None), patient("1", None)], [patient("1", None, active=True)])
    assert ids(connect(server.base)) == ["1", "1"]


def test_an_include_that_is_found_later_is_still_a_match(serve: Serve, connect: Connect) -> None:
    include = {**patient("2"), "search": {"mode": "include"}}
    server = paged(serve, [patient("1"), include], [include, patient("2")], total=2)
    modes = [(entry.mode, entry.resource["id"]) for entry in connect(server.base).search_all(PATIENTS)]
    assert modes == [("match", "1"), ("include", "2"), ("match", "2")]


def test_without_a_mode_the_type_decides(serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    other = {"resource": {"resourceType": "Organization", "id": "o"}}
    said = {"resource": {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "timeout"}]}}
    server = paged(serve, [patient("1"), other, said])
    modes = [(entry.mode, entry.resource["id"]) for entry in connect(server.base).search_all(PATIENTS)]
    assert modes == [("match", "1"), ("include", "o")]
    assert "the server says warning/timeout" in caplog.text


def test_matches_that_do_not_arrive_are_an_error(serve: Serve, connect: Connect) -> None:
    server = paged(serve, [patient("1")], [patient("2"), patient("2")], total=3)
    stream = connect(server.base).search_all(PATIENTS)
    assert [next(stream).resource["id"] for _ in range(2)] == ["1", "2"]
    with pytest.raises(TransientError, match="2 of the 3 matches that the server counts arrived"):
        next(stream)


def test_a_total_that_falls_while_paging_is_measured_by_its_highest(serve: Serve, connect: Connect) -> None:
    def page(request: Received) -> Reply:
        first = "page" not in request.query
        link = [{"relation": "next", "url": "?page=1"}] if first else []
        entry = [patient("1" if first else "2")]
        return fhir(
            {"resourceType": "Bundle", "type": "searchset", "total": 3 if first else 2, "link": link, "entry": entry}
        )

    with pytest.raises(TransientError, match="2 of the 3"):
        ids(connect(serve(page).base))


def test_a_server_of_estimates_is_only_warned_about(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    server = paged(serve, [patient("1")], total=3)
    assert ids(connect(server.base, on_shortfall="warn")) == ["1"]
    assert "1 of the 3 matches" in caplog.text


def test_entries_without_a_resource_are_told_and_cost_nobody_else(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    server = paged(serve, [patient("1"), {"fullUrl": "urn:x"}, {"resource": "Zyxwvut"}])
    assert ids(connect(server.base)) == ["1"]
    assert "2 entries of a page have no resource" in caplog.text
    assert "Zyxwvut" not in caplog.text


def test_a_circle_of_links_is_an_error(serve: Serve, connect: Connect) -> None:
    def page(request: Received) -> Reply:
        number = int(request.query.get("page", "0"))
        link = [{"relation": "next", "url": f"?page={number % 3 + 1}"}]
        return fhir({"resourceType": "Bundle", "type": "searchset", "link": link, "entry": [patient(str(number))]})

    server = serve(page)
    with pytest.raises(FatalError, match="its next link was followed before: the server's paging goes in a circle"):
        ids(connect(server.base))
    assert len(server.received) == 4 + 2


def test_links_that_lead_nowhere_for_ever_end(serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    def page(request: Received) -> Reply:
        link = [{"relation": "next", "url": f"?page={int(request.query.get('page', '0')) + 1}"}]
        return fhir({"resourceType": "Bundle", "type": "searchset", "link": link})

    server = serve(page)
    monkeypatch.setattr(pages, "MAX_IDLE_PAGES", 20)
    with pytest.raises(FatalError, match="20 empty pages in a row"):
        ids(connect(server.base))
    with pytest.raises(FatalError, match=r"more than max_pages \(5\)"):
        ids(connect(server.base, max_pages=5))


def test_pages_that_the_server_forgot_are_read_again_from_the_start(serve: Serve, connect: Connect) -> None:
    def page(request: Received) -> Reply:
        if "page" in request.query:
            return outcome(410, code="expired")
        link = [{"relation": "next", "url": "?page=1"}]
        return fhir({"resourceType": "Bundle", "type": "searchset", "link": link, "entry": [patient("1")]})

    with pytest.raises(TransientError, match=r"410 \(error/expired\): the search is gone from the server"):
        ids(connect(serve(page).base))


@pytest.mark.parametrize(
    "document",
    [
        {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]},
        {"resourceType": "Bundle", "type": "history"},
        {"resourceType": "Patient"},
    ],
)
def test_what_is_no_searchset_is_fatal(serve: Serve, connect: Connect, document: dict[str, Any]) -> None:
    with pytest.raises(FatalError, match="no searchset Bundle came"):
        ids(connect(serve(lambda _: fhir(document)).base))


def test_the_search_is_summed_up_without_values(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    server = paged(serve, [patient("1")], [patient("1")])
    list(connect(server.base).search_all(Search(resource_type="Patient", params=[("family", "Zyxwvut")])))
    assert "search of Patient: 1 matches, 0 includes, 2 pages, 1 duplicates dropped" in caplog.text
    assert "Zyxwvut" not in caplog.text
