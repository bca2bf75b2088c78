from __future__ import annotations

from collections.abc import Callable

import pytest

from include.engine.errors import FatalError, RecordRejected, TransientError
from include.pipelines.fhir.client.client import FHIRClient
from include.pipelines.fhir.client.search import Search
from tests.fixtures.clocks import QuickClock
from tests.fixtures.loopback import Reply, fhir, outcome
from tests.include.pipelines.fhir.client.conftest import Serve

Connect = Callable[..., FHIRClient]
PATIENT = {"resourceType": "Patient", "id": "1"}
PATIENTS = Search(resource_type="Patient")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(serve: Serve, connect: Connect, clock: QuickClock, status: int) -> None:
    answers = iter([outcome(status), outcome(status)])
    server = serve(lambda _: next(answers, None) or fhir(PATIENT))
    assert connect(server.base).read("Patient", "1") == PATIENT
    assert len(clock.slept) == 2


@pytest.mark.parametrize("status", [429, 500, 503])
def test_tries_are_bounded_and_the_last_error_tells_status_and_codes(
    serve: Serve, connect: Connect, status: int
) -> None:
    server = serve(lambda _: outcome(status, "fatal", "throttled", Retry_After="44"))
    with pytest.raises(TransientError, match=rf"^GET /fhir/Patient/1: {status} \(fatal/throttled\)$") as error:
        connect(server.base).read("Patient", "1")
    assert error.value.retry_after_s == 44
    assert len(server.received) == 3


def test_no_try_begins_after_the_total_time(serve: Serve, connect: Connect) -> None:
    server = serve(lambda _: outcome(503, Retry_After="100"))
    with pytest.raises(TransientError):
        connect(server.base, tries=10, retry_total_s=50).read("Patient", "1")
    assert len(server.received) == 1


@pytest.mark.parametrize(("status", "code"), [(400, "refused"), (403, "refused"), (404, "not_found"), (410, "deleted")])
def test_a_refusal_of_one_resource_costs_one_record_and_is_not_tried_again(
    serve: Serve, connect: Connect, status: int, code: str
) -> None:
    server = serve(lambda _: outcome(status))
    with pytest.raises(RecordRejected) as error:
        connect(server.base).read("Patient", "1")
    assert error.value.code == f"fhir.{code}"
    assert len(server.received) == 1


@pytest.mark.parametrize("status", [400, 403, 404, 422, 501])
def test_a_refusal_of_a_search_is_fatal(serve: Serve, connect: Connect, status: int) -> None:
    server = serve(lambda _: outcome(status, code="not-supported"))
    with pytest.raises(FatalError, match=rf"{status} \(error/not-supported\): the server refuses this search"):
        connect(server.base).search(PATIENTS)
    assert len(server.received) == 1


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "the server wants credentials and the connection has none"),
        ({"auth": {"kind": "basic", "username": "me", "password": "s3cret"}}, "refuses the connection's basic"),
    ],
)
def test_401_is_fatal_and_says_why(serve: Serve, connect: Connect, settings: dict[str, object], told: str) -> None:
    server = serve(lambda _: outcome(401, code="login"))
    with pytest.raises(FatalError, match=rf"401 \(error/login\): .*{told}"):
        connect(server.base, **settings).read("Patient", "1")
    assert len(server.received) == 1


def test_a_page_of_html_is_fatal_and_a_cut_body_of_json_is_tried_again(serve: Serve, connect: Connect) -> None:
    html = serve(lambda _: Reply(200, b"<html>Log in</html>", {"Content-Type": "text/html"}))
    with pytest.raises(FatalError, match="is the base URL that of a FHIR service"):
        connect(html.base).search(PATIENTS)
    cut = serve(lambda _: Reply(200, b'{"resourceType": "Bun', {"Content-Type": "application/fhir+json"}))
    with pytest.raises(TransientError, match="the answer of 21 bytes is no JSON object"):
        connect(cut.base).search(PATIENTS)
    assert (len(html.received), len(cut.received)) == (1, 3)


def test_basic_credentials_are_utf8(serve: Serve, connect: Connect) -> None:
    server = serve(lambda _: fhir(PATIENT))
    connect(server.base, auth={"kind": "basic", "username": "zoë", "password": "pä:ss"}).read("Patient", "1")
    assert server.received[0].headers["authorization"] == "Basic em/Dqzpww6Q6c3M="
