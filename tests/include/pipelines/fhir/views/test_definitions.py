"""The views that come with the package, on real resources."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from include.pipelines.fhir.views.compile import CompiledView
from include.pipelines.fhir.views.manager import ViewDefinitionManager
from include.pipelines.fhir.views.resources import KEY_COLUMN
from include.warehouse.fit import Fitter
from include.warehouse.target import Target
from tests.include.pipelines.fhir.real_resources import real_resources

VIEWS = ViewDefinitionManager()

PATIENT, ENCOUNTER = "fd5d9368-b9a5-4baa-8466-3e2909996fe0", "c22ab5b4-e3a4-41ff-9c4a-b552f688fac6"
BODY_HEIGHT, BLOOD_PRESSURE = "e0ca56de-ae45-4ecd-bfec-8523f36dbc00", "59b2bf8b-736d-4d5f-a676-7977848cb5b5"
SEEN = datetime(2011, 4, 14, 17, 39, 34, tzinfo=UTC)
LOINC, SNOMED, UCUM = "http://loinc.org", "http://snomed.info/sct", "http://unitsofmeasure.org"

ROW_COUNTS = {
    "conditions": 600,
    "encounters": 600,
    "immunizations": 400,
    "medication_requests": 500,
    "observation_codings": 1822,
    "observation_components": 230,
    "observation_quantities": 1523,
    "observations": 1500,
    "patient_addresses": 300,
    "patient_contacts": 0,
    "patient_demographics": 300,
    "patient_telecoms": 300,
    "procedures": 500,
}

EXPECTED: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "patient_demographics": (
        f"Patient/{PATIENT}",
        [
            {
                "id": PATIENT, "medical_record_number": "f7c2200f-de56-4da1-925c-bf9db7a2ec1e", "gender": "male",
                "birth_date": "1936-03-12", "birth_date_low": date(1936, 3, 12), "birth_date_high": date(1936, 3, 12),
                "multiple_birth": False, "marital_status": "M", "language": "en-US", "race_codes": "2106-3",
                "race_text": "White", "ethnicity_code": "2186-5", "ethnicity_text": "Not Hispanic or Latino",
                "birth_sex": "M", "phone": "555-505-9361", "family": "Green", "given": "Donnell", "prefix": "Mr.",
                "address_line": "804 Torp Fort Unit 57", "city": "West Springfield Town", "state": "Massachusetts",
                "postal_code": "01089", "country": "US",
            }
        ],
    ),
    "patient_addresses": (
        f"Patient/{PATIENT}",
        [
            {
                "patient_id": PATIENT, "address_index": 0, "line": "804 Torp Fort Unit 57",
                "city": "West Springfield Town", "state": "Massachusetts", "postal_code": "01089", "country": "US",
                "latitude": Decimal("42.125451"), "longitude": Decimal("-72.649734"),
            }
        ],
    ),
    "patient_telecoms": (
        f"Patient/{PATIENT}",
        [
            {
                "patient_id": PATIENT, "telecom_index": 0, "belongs_to": "patient", "system": "phone",
                "value": "555-505-9361", "telecom_use": "home",
            }
        ],
    ),
    "conditions": (
        "Condition/9fb633db-74b5-4aff-bf29-2eecf37fa87c",
        [
            {
                "id": "9fb633db-74b5-4aff-bf29-2eecf37fa87c", "patient_id": PATIENT,
                "encounter_id": "151ee95c-7114-4b0d-9d47-2e72b1322d80", "clinical_status": "active",
                "verification_status": "confirmed", "code_system": SNOMED, "code_code": "38341003",
                "code_display": "Hypertension", "code_text": "Hypertension", "onset": "1954-06-03T17:39:34+00:00",
                "onset_low": datetime(1954, 6, 3, 17, 39, 34, tzinfo=UTC),
                "recorded_date": "1954-06-03T17:39:34+00:00",
            }
        ],
    ),
    "observations": (
        f"Observation/{BODY_HEIGHT}",
        [
            {
                "id": BODY_HEIGHT, "patient_id": PATIENT, "encounter_id": ENCOUNTER, "status": "final",
                "category_codes": "vital-signs", "code_system": LOINC, "code_code": "8302-2",
                "code_display": "Body Height", "code_text": "Body Height", "effective": "2011-04-14T17:39:34+00:00",
                "effective_low": SEEN,
                "issued": SEEN.replace(microsecond=343000), "value_quantity": Decimal("175.5842854364505"),
                "value_quantity_unit": "cm", "value_quantity_system": UCUM, "value_quantity_code": "cm",
                "has_components": False,
            }
        ],
    ),
    "observation_components": (
        f"Observation/{BLOOD_PRESSURE}",
        [
            {
                "observation_id": BLOOD_PRESSURE, "patient_id": PATIENT, "encounter_id": ENCOUNTER, "status": "final",
                "effective": "2011-04-14T17:39:34+00:00", "observation_code": "55284-4", "component_index": index,
                "code_system": LOINC, "code_code": code, "code_display": text, "code_text": text,
                "value_quantity": Decimal(value), "value_quantity_unit": "mm[Hg]", "value_quantity_system": UCUM,
                "value_quantity_code": "mm[Hg]",
            }
            for index, code, text, value in (
                (0, "8462-4", "Diastolic Blood Pressure", "96.62089012342538"),
                (1, "8480-6", "Systolic Blood Pressure", "164.24982558531715"),
            )
        ],
    ),
    "observation_quantities": (
        f"Observation/{BODY_HEIGHT}",
        [
            {
                "observation_id": BODY_HEIGHT, "patient_id": PATIENT, "encounter_id": ENCOUNTER, "status": "final",
                "effective": "2011-04-14T17:39:34+00:00", "effective_low": SEEN,
 "quantity_index": 0, "element": "value",
                "code_system": LOINC, "code": "8302-2", "display": "Body Height",
                "quantity": Decimal("175.5842854364505"), "quantity_unit": "cm", "quantity_system": UCUM,
                "quantity_code": "cm", "quantity_low": Decimal("175.58428543645045"),
                "quantity_high": Decimal("175.58428543645055"),
            }
        ],
    ),
    "observation_codings": (
        f"Observation/{BLOOD_PRESSURE}",
        [
            {
                "observation_id": BLOOD_PRESSURE, "patient_id": PATIENT, "encounter_id": ENCOUNTER, "status": "final",
                "coding_index": index, "element": element, "code_system": LOINC, "code": code, "display": text,
            }
            for index, element, code, text in (
                (0, "code", "55284-4", "Blood Pressure"),
                (0, "component.code", "8462-4", "Diastolic Blood Pressure"),
                (1, "component.code", "8480-6", "Systolic Blood Pressure"),
            )
        ],
    ),
    "encounters": (
        "Encounter/151ee95c-7114-4b0d-9d47-2e72b1322d80",
        [
            {
                "id": "151ee95c-7114-4b0d-9d47-2e72b1322d80", "patient_id": PATIENT, "status": "finished",
                "class_code": "AMB", "type_system": SNOMED, "type_code": "185349003",
                "type_display": "Encounter for check up (procedure)", "type_text": "Encounter for check up (procedure)",
                "period_start": "1954-06-03T17:39:34+00:00",
                "period_start_low": datetime(1954, 6, 3, 17, 39, 34, tzinfo=UTC),
                "period_end": "1954-06-03T17:54:34+00:00",
                "period_end_low": datetime(1954, 6, 3, 17, 54, 34, tzinfo=UTC),
                "participant_id": "11cb6f4d-10ad-4f18-bc2d-7ed1d4ca0e7e",
                "service_provider_id": "5d4b9df1-93ae-3bc9-b680-03249990e558",
            }
        ],
    ),
    "medication_requests": (
        "MedicationRequest/bf8d12c4-5669-466b-a96d-45baea9b55d6",
        [
            {
                "id": "bf8d12c4-5669-466b-a96d-45baea9b55d6", "patient_id": PATIENT,
                "encounter_id": "298aa346-9c1c-41b8-9405-3c5ba98040d4", "status": "active", "intent": "order",
                "medication_system": "http://www.nlm.nih.gov/research/umls/rxnorm", "medication_code": "316049",
                "medication_display": "Hydrochlorothiazide 25 MG", "medication_text": "Hydrochlorothiazide 25 MG",
                "authored_on": "1955-06-09T17:39:34+00:00",
                "authored_on_low": datetime(1955, 6, 9, 17, 39, 34, tzinfo=UTC),
                "requester_id": "11cb6f4d-10ad-4f18-bc2d-7ed1d4ca0e7e",
                "reason_condition_id": "9fb633db-74b5-4aff-bf29-2eecf37fa87c",
            }
        ],
    ),
    "procedures": (
        "Procedure/5c1f04ac-3a30-4321-9da5-e6890cf829f1",
        [
            {
                "id": "5c1f04ac-3a30-4321-9da5-e6890cf829f1", "patient_id": PATIENT,
                "encounter_id": "e5d1972e-e2ac-4a2a-9fef-d18d2691dacc", "status": "completed", "code_system": SNOMED,
                "code_code": "1225002", "code_display": "Upper arm X-ray", "code_text": "Upper arm X-ray",
                "performed_period_start": "2011-08-20T17:39:34+00:00",
                "performed_period_start_low": datetime(2011, 8, 20, 17, 39, 34, tzinfo=UTC),
                "performed_period_end": "2011-08-20T18:09:34+00:00",
                "performed_period_end_low": datetime(2011, 8, 20, 18, 9, 34, tzinfo=UTC),
            }
        ],
    ),
    "immunizations": (
        "Immunization/ade13dc3-17dc-402a-b163-52d389e8df5d",
        [
            {
                "id": "ade13dc3-17dc-402a-b163-52d389e8df5d", "patient_id": PATIENT, "encounter_id": ENCOUNTER,
                "status": "completed", "vaccine_system": "http://hl7.org/fhir/sid/cvx", "vaccine_code": "140",
                "vaccine_display": "Influenza, seasonal, injectable, preservative free",
                "vaccine_text": "Influenza, seasonal, injectable, preservative free", "cvx_code": "140",
                "occurrence": "2011-04-14T17:39:34+00:00", "occurrence_low": SEEN,
                "primary_source": True,
            }
        ],
    ),
}  # fmt: skip
"""The key of a resource, and the rows that it gives, without their nulls and the resource's key."""


def named(view: CompiledView, row: tuple[Any, ...]) -> dict[str, Any]:
    """By column, without nulls."""
    names = (column.name for column in view.table.columns)
    return {name: value for name, value in zip(names, row, strict=True) if value is not None}


def test_every_view_of_the_package_is_tested_here() -> None:
    assert {view.name for view in VIEWS} == ROW_COUNTS.keys() == EXPECTED.keys() | {"patient_contacts"}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_real_resource_gives_its_rows(test_data: Path, name: str) -> None:
    view, (key, expected) = VIEWS[name], EXPECTED[name]
    found = [
        named(view, row)
        for resource in real_resources(test_data, view.resource)
        if f"{view.resource}/{resource['id']}" == key
        for row in view.rows(resource)
    ]
    assert found == [{KEY_COLUMN: key} | row for row in expected]


@pytest.mark.parametrize("name", ROW_COUNTS)
def test_all_real_resources_fit_into_the_table_and_come_back_the_same(
    test_data: Path, name: str, tmp_path: Path
) -> None:
    view = VIEWS[name]
    target = Target(name, KEY_COLUMN, [view.table])
    rows = [row for resource in real_resources(test_data, view.resource) for row in view.rows(resource)]
    Fitter(target, "sqlite")({name: rows})
    engine = sa.create_engine(f"sqlite:///{tmp_path}/views.db")
    target.metadata.create_all(engine)
    table = target.table(name)
    with engine.begin() as connection:
        if rows:
            connection.execute(table.insert(), [dict(zip(table.columns.keys(), row, strict=True)) for row in rows])
        stored = [tuple(row) for row in connection.execute(sa.select(table))]
    assert len(rows) == ROW_COUNTS[name]
    assert stored == rows


def test_a_contact_person_is_a_row_and_its_telecoms_are_kept_apart_from_the_patients() -> None:
    patient = {
        "resourceType": "Patient",
        "id": "p1",
        "telecom": [{"system": "email", "value": "own@example.org", "rank": 1}],
        "contact": [
            {
                "relationship": [{"coding": [{"code": "N"}, {"code": "C"}], "text": "Mother"}],
                "name": {"family": "Ada", "given": ["Augusta", "King"]},
                "telecom": [{"system": "phone", "value": "1"}, {"system": "phone", "value": "2"}],
                "address": {"line": ["a", "b"], "city": "Turin"},
                "gender": "female",
                "organization": {"reference": "Organization/o1"},
            }
        ],
    }
    contacts, telecoms = VIEWS["patient_contacts"], VIEWS["patient_telecoms"]
    assert [named(contacts, row) for row in contacts.rows(patient)] == [
        {
            "resource_key": "Patient/p1", "patient_id": "p1", "contact_index": 0, "relationship_codes": "N,C",
            "relationship_text": "Mother", "family": "Ada", "given": "Augusta King", "gender": "female", "phone": "1",
            "address_line": "a, b", "city": "Turin", "organization_id": "o1",
        }
    ]  # fmt: skip
    found = [named(telecoms, row) for row in telecoms.rows(patient)]
    assert [(row["belongs_to"], row["telecom_index"], row["value"]) for row in found] == [
        ("patient", 0, "own@example.org"),
        ("contact", 0, "1"),
        ("contact", 1, "2"),
    ]


def test_the_official_name_and_the_home_address_come_first() -> None:
    patient = {
        "resourceType": "Patient",
        "id": "p1",
        "birthDate": "1970-06",
        "deceasedDateTime": "2001",
        "name": [{"use": "nickname", "given": ["Al"]}, {"use": "official", "family": "Ada", "given": ["Augusta"]}],
        "address": [{"use": "work", "city": "Turin"}, {"use": "home", "city": "London"}],
        "communication": [{"language": {"coding": [{"code": "it"}]}}, {"language": {"coding": [{"code": "en"}]}}],
    }
    view = VIEWS["patient_demographics"]
    (row,) = view.rows(patient)
    found = named(view, row)
    assert (found["family"], found["given"], found["city"], found["language"]) == ("Ada", "Augusta", "London", "it")
    assert (found["birth_date"], found["birth_date_high"]) == ("1970-06", date(1970, 6, 30))
    assert found["deceased_datetime"] == "2001"
    (bare,) = view.rows({"resourceType": "Patient", "id": "p2"})
    assert named(view, bare) == {"resource_key": "Patient/p2", "id": "p2"}
