from __future__ import annotations

import json
from typing import Any

import pytest

from include.engine.errors import RecordRejected, RecordSkipped
from include.engine.model import Record
from include.pipelines.fhir.mapping import Mapping
from include.pipelines.fhir.records import deletion_of, record_of, resource_text
from include.pipelines.fhir.transform import ViewsTransform, process_transform
from include.pipelines.fhir.views.manager import DEFINITIONS
from tests.include.pipelines.fhir.views.documents import FULL

TRANSFORM = ViewsTransform(Mapping([DEFINITIONS]))
PATIENT, OBSERVATION = (record_of(resource_text(resource)) for resource in FULL)


def test_a_resource_gives_the_rows_of_all_views_of_its_type_and_of_no_others() -> None:
    assert set(TRANSFORM(PATIENT)) == {
        "patient_demographics",
        "patient_addresses",
        "patient_contacts",
        "patient_telecoms",
    }
    found = TRANSFORM(OBSERVATION)
    assert {name.partition("_")[0] for name in found} == {"observations", "observation"}
    assert all(row[0] == "Observation/o1" for rows in found.values() for row in rows)


def test_a_deleted_resource_has_no_rows() -> None:
    assert TRANSFORM(deletion_of("Patient", "p1", "2026-01-01T00:00:00.000000Z")) == {}


@pytest.mark.parametrize(
    "record",
    [
        record_of(b'{"resourceType":"Basic","id":"b"}'),
        deletion_of("Basic", "b", "2026-01-01T00:00:00.000000Z"),
    ],
)
def test_a_type_that_no_view_reads_is_skipped(record: Record) -> None:
    with pytest.raises(RecordSkipped, match="no_view"):
        TRANSFORM(record)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"deceasedBoolean": "Zyxwvut"}, "fhir_view.value_type"),
        ({"birthDate": "Zyxwvut"}, "fhir_view.not_temporal"),
        ({"gender": ["Zyxwvut", "Zyxwvut"]}, "fhir_view.many_values"),
    ],
)
def test_a_resource_that_one_view_cannot_take_is_rejected_whole_without_a_value(
    fields: dict[str, Any], code: str
) -> None:
    text = json.dumps({"resourceType": "Patient", "id": "p1", **fields}).encode()
    with pytest.raises(RecordRejected) as caught:
        TRANSFORM(record_of(text))
    assert caught.value.code == code
    assert "Zyxwvut" not in str(caught.value)


def test_text_that_only_the_whole_parser_refuses_is_rejected() -> None:
    with pytest.raises(RecordRejected, match=r"fhir.unreadable: no JSON"):
        TRANSFORM(Record("Patient/p1", b'{"resourceType":"Patient","id":"p1","x":1e999999999999999999999}'))


def test_a_worker_process_is_not_replaced_for_its_age_within_a_batch() -> None:
    assert process_transform([DEFINITIONS], []).recycle_after >= 100_000, "a start costs as much as 20,000 records"


def test_worker_processes_build_the_same_transform_from_plain_values() -> None:
    built = process_transform([DEFINITIONS], ["patient_telecoms"]).load()
    assert set(built(PATIENT)) == {"patient_telecoms"}
    assert built(PATIENT)["patient_telecoms"] == TRANSFORM(PATIENT)["patient_telecoms"]
