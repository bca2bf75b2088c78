from __future__ import annotations

from collections import Counter

import pytest

from include.pipelines.fhir.records import record_of, resource_text
from include.pipelines.fhir.views.errors import ResourceRejected
from include.pipelines.fhir.views.manager import ViewDefinitionManager
from include.pipelines.fhir.views.resources import read_resource
from include.sandbox.fhir_people import clinic, patient

VIEWS = ViewDefinitionManager()


def test_a_sample_depends_on_seed_and_index_alone_and_grows_without_changing() -> None:
    small, large = list(clinic(5)), list(clinic(9))
    assert large[: len(small)] == small
    assert list(clinic(5, seed=2)) != small
    assert len({record_of(resource_text(one)).key for one in large}) == 27


def test_the_views_of_the_package_find_something_in_every_column_that_it_fills() -> None:
    resources = [read_resource(resource_text(one)) for one in clinic(60)]
    rows = Counter({view.name: sum(len(view.rows(one)) for one in resources) for view in VIEWS})
    assert {name for name, count in rows.items() if count} == {
        "patient_addresses",
        "patient_demographics",
        "patient_telecoms",
        "observations",
        "observation_codings",
        "observation_components",
        "observation_quantities",
    }
    assert rows["patient_demographics"] == 60
    view = VIEWS["patient_demographics"]
    filled = {
        column.name
        for one in resources
        for row in view.rows(one)
        for column, value in zip(view.columns, row[2:], strict=True)
        if value is not None
    }
    assert {"birth_date", "race_codes", "birth_sex", "phone", "email", "city", "medical_record_number"} <= filled


def test_a_broken_share_of_patients_is_rejected_and_nothing_else() -> None:
    codes: Counter[str] = Counter()
    for one in clinic(50, broken_share=0.1):
        resource = read_resource(resource_text(one))
        for view in VIEWS.of_resource(resource["resourceType"]):
            try:
                view.rows(resource)
            except ResourceRejected as rejected:
                codes[rejected.code] += 1
    assert codes == {"fhir_view.value_type": 5}


def test_a_broken_patient_is_the_sound_one_but_for_its_fault() -> None:
    sound, broken = patient(7), patient(7, broken=True)
    assert {name for name in sound if sound[name] != broken[name]} == {"deceasedBoolean"}


def test_views_reject_nothing_of_a_sound_sample() -> None:
    for one in clinic(30):
        for view in VIEWS.of_resource(one["resourceType"]):
            view.rows(read_resource(resource_text(one)))
    with pytest.raises(ResourceRejected):
        VIEWS["patient_demographics"].rows(read_resource(resource_text(patient(1, broken=True))))
