from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from include.pipelines.fhir.records import deletion_of, record_of, resource_text, resource_type_of
from include.pipelines.fhir.views.resources import read_resource


def text(**fields: Any) -> bytes:
    return json.dumps({"resourceType": "Patient", "id": "p1", **fields}).encode()


def test_a_resource_is_a_record_of_its_type_id_and_last_change() -> None:
    data = text(meta={"lastUpdated": "2015-02-04T10:00:00+01:00", "versionId": "7"}, name=[{"family": "Ada"}])
    record = record_of(data)
    assert (record.key, record.version, record.payload, record.size, record.fault) == (
        "Patient/p1",
        "2015-02-04T09:00:00.000000Z",
        data,
        len(data),
        None,
    )
    assert resource_type_of(record) == "Patient"


@pytest.mark.parametrize("meta", [{}, {"meta": {}}, {"meta": {"lastUpdated": "soon"}}, {"meta": None}])
def test_a_resource_without_a_date_has_the_version_that_its_source_gives(meta: dict[str, Any]) -> None:
    assert record_of(text(**meta)).version is None
    assert record_of(text(**meta), "2026-01-01T00:00:00.000000Z").version == "2026-01-01T00:00:00.000000Z"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "fhir.unreadable"),
        (b"nonsense Zyxwvut", "fhir.unreadable"),
        (b'{"resourceType":"Patient","id":"p\xff"}', "fhir.unreadable"),
        (b'["Zyxwvut"]', "fhir.unreadable"),
        (b'{"id": 7, "resourceType": "Zyxwvut"}', "fhir.unreadable"),
        (b'{"meta": "Zyxwvut"}', "fhir.unreadable"),
        (b"[" * 100_000, "fhir.unreadable"),
        (b"{}", "fhir.no_id"),
        (text(id="Zyxwvut Doe"), "fhir.no_id"),
        (text(id=None), "fhir.no_id"),
        (text(resourceType="patient"), "fhir.no_id"),
    ],
)
def test_what_cannot_be_named_comes_with_a_fault_under_a_key_of_its_content(data: bytes, code: str) -> None:
    record = record_of(data)
    assert record.fault is not None
    assert record.fault.code == code
    assert record.payload is None
    assert "Zyxwvut" not in record.fault.message
    assert record.key == record_of(data).key != record_of(data + b" ").key
    assert str(record.key).startswith("unreadable/")


@pytest.mark.parametrize("meta", [7, "Zyxwvut", {"lastUpdated": 7}, {"lastUpdated": ["2015-02-04T10:00:00Z"]}])
def test_a_fault_beside_the_key_leaves_the_key_known(meta: Any) -> None:
    record = record_of(text(meta=meta), "2026-01-01T00:00:00.000000Z")
    assert (record.key, record.fault, record.version) == ("Patient/p1", None, "2026-01-01T00:00:00.000000Z")


def test_a_deletion_is_a_record_without_content() -> None:
    record = deletion_of("Patient", "p1", "2026-01-01T00:00:00.000000Z")
    assert (record.key, record.payload, record.fault) == ("Patient/p1", None, None)


def test_text_of_a_resource_keeps_every_digit() -> None:
    resource = {"resourceType": "Observation", "id": "o", "valueQuantity": {"value": Decimal("1.50")}, "big": 10**30}
    assert b'"value":1.50' in resource_text(resource)
    assert read_resource(resource_text(resource))["valueQuantity"] == {"value": Decimal("1.50")}


def test_text_of_a_resource_with_half_a_surrogate_pair_is_its_own_fault_only() -> None:
    record = record_of(resource_text({"resourceType": "Patient", "id": "p1", "gender": "\ud800"}))
    assert record.fault is not None or record.key == "Patient/p1"
    with pytest.raises(ValueError, match="no JSON"):
        read_resource(resource_text({"resourceType": "Patient", "id": "p1", "gender": "\ud800"}))
