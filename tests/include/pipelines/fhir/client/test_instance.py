from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from include.engine.errors import RecordRejected
from include.pipelines.fhir.client.client import FHIRClient
from tests.fixtures.loopback import Reply, fhir, outcome
from tests.include.pipelines.fhir.client.conftest import Serve

Connect = Callable[..., FHIRClient]


@pytest.mark.parametrize(
    ("resource_type", "identity", "code"),
    [
        ("Patient", "../Group/1", "fhir.id"),
        ("Patient", "", "fhir.id"),
        ("Patient", "x" * 65, "fhir.id"),
        ("Patient", "a?b=c", "fhir.id"),
        ("../x", "1", "fhir.resource_type"),
    ],
)
def test_what_cannot_be_an_id_or_a_type_is_not_asked_for(
    connect: Connect, resource_type: str, identity: str, code: str
) -> None:
    client = connect("http://127.0.0.1:1/fhir")
    for call in (client.read, client.delete):
        with pytest.raises(RecordRejected) as error:
            call(resource_type, identity)
        assert error.value.code == code


def test_another_resource_than_the_one_asked_for_is_rejected(serve: Serve, connect: Connect) -> None:
    server = serve(lambda _: fhir({"resourceType": "Practitioner", "id": "1"}))
    with pytest.raises(RecordRejected, match="the answer is no Patient"):
        connect(server.base).read("Patient", "1")


def test_decimals_travel_with_every_digit(serve: Serve, connect: Connect) -> None:
    text = b'{"resourceType":"Observation","id":"1","valueQuantity":{"value":1.10}}'
    server = serve(
        lambda request: (
            Reply(200, text, {"Content-Type": "application/json"}) if request.method == "GET" else Reply(201)
        )
    )
    client = connect(server.base)
    found = client.read("Observation", "1")
    assert str(found["valueQuantity"]["value"]) == "1.10"
    client.create(found)
    assert server.received[-1].body == text


@pytest.mark.parametrize(
    ("reply", "identity", "version", "existed"),
    [
        (Reply(201, b"", {"Location": "https://fhir.example/r4/Patient/7/_history/2"}), "7", "2", False),
        (Reply(201, b"", {"Location": "Patient/7"}), None, None, False),
        (Reply(201, b"", {"Location": "/r4/Patient/7"}), "7", None, False),
        (fhir({"resourceType": "Patient", "id": "7", "meta": {"versionId": "1"}}, 200), "7", "1", True),
        (outcome(201, "information", "informational"), None, None, False),
    ],
)
def test_a_create_tells_what_is_at_the_server_now(
    serve: Serve, connect: Connect, reply: Reply, identity: str | None, version: str | None, existed: bool
) -> None:
    made = connect(serve(lambda _: reply).base).create({"resourceType": "Patient"})
    assert (made.resource_id, made.version, made.existed) == (identity, version, existed)


@pytest.mark.parametrize(
    ("resource", "criteria", "code"),
    [
        ({"resourceType": "patient"}, None, "fhir.resource_type"),
        ({}, None, "fhir.resource_type"),
        ({"resourceType": "Patient", "active": {1}}, None, "fhir.not_json"),
        ({"resourceType": "Patient", "x": float("nan")}, None, "fhir.not_json"),
        ({"resourceType": "Patient", "x": Decimal("Infinity")}, None, "fhir.not_json"),
        ({"resourceType": "Patient"}, "identifier=a\r\nX: y", "fhir.if_none_exist"),
    ],
)
def test_what_cannot_be_created_is_rejected_before_it_is_sent(
    connect: Connect, resource: dict[str, Any], criteria: str | None, code: str
) -> None:
    with pytest.raises(RecordRejected) as error:
        connect("http://127.0.0.1:1/fhir").create(resource, if_none_exist=criteria)
    assert error.value.code == code


def test_a_condition_that_many_meet_rejects_the_record(serve: Serve, connect: Connect) -> None:
    server = serve(lambda _: outcome(412, code="multiple-matches"))
    with pytest.raises(RecordRejected, match=r"POST /fhir/Patient: 412 \(error/multiple-matches\)"):
        connect(server.base).create({"resourceType": "Patient"}, if_none_exist="?identifier=1")
    assert server.received[0].headers["if-none-exist"] == "identifier=1"


@pytest.mark.parametrize(("status", "there"), [(200, True), (204, True), (202, True), (404, False), (410, False)])
def test_a_delete_tells_whether_it_was_there(serve: Serve, connect: Connect, status: int, there: bool) -> None:
    server = serve(lambda _: Reply(status))
    assert connect(server.base).delete("Patient", "1") is there


def test_a_delete_that_the_server_refuses_is_rejected(serve: Serve, connect: Connect) -> None:
    server = serve(lambda _: outcome(409, code="conflict"))
    with pytest.raises(RecordRejected, match=r"DELETE /fhir/Patient/1: 409 \(error/conflict\)"):
        connect(server.base).delete("Patient", "1")
