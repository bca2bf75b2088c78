from __future__ import annotations

from typing import Any

import pytest

from include.pipelines.fhir.views.compile import CompiledView
from include.pipelines.fhir.views.manager import ViewDefinitionManager
from include.pipelines.fhir.views.reads import reads_of, root_elements
from tests.include.pipelines.fhir.views.documents import column, columns, compiled

RACE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race"


def view(path: str, **more: Any) -> CompiledView:
    return compiled(columns(column("value", path)), **more)


CASES = [
    ("gender", ["gender"], ["birthDate", "genderX"]),
    ("Patient.gender", ["gender"], ["Patient.gender"]),
    ("name.family", ["name.family"], ["name.given", "name.use", "name"]),
    ("name.where(use = 'official').family.first()", ["name.use", "name.family"], ["name.given"]),
    ("name.exists()", ["name"], ["name.family"]),
    ("name.family.exists()", ["name.family"], ["name.given"]),
    ("telecom.exists(system = 'phone')", ["telecom.system", "telecom"], ["telecom.value"]),
    ("iif(active, name.first().text, id)", ["active", "name.text", "id"], ["name.family"]),
    ("name.select(given | family).join(',')", ["name.given", "name.family"], ["name.text"]),
    ("deceased.ofType(boolean)", ["deceasedBoolean"], ["deceasedDateTime"]),
    ("deceased", ["deceasedBoolean", "deceasedDateTime"], ["deceasedX"]),
    ("managingOrganization.getReferenceKey()", ["managingOrganization.reference"], ["managingOrganization.display"]),
    ("getResourceKey()", ["id"], ["gender"]),
    (f"extension('{RACE}').value.ofType(string)", [f"extension('{RACE}').valueString"], ["extension('x').valueString"]),
    (
        "extension.value",
        ["extension('x').valueString", "extension.valueCode"],
        ["extension('x').extension('y').valueCode"],
    ),
    (
        "birthDate.extension('x').value",
        ["birthDate.extension('x').valueString", "birthDate.extension('x').url"],
        ["birthDate"],
    ),
    ("birthDate.lowBoundary()", ["birthDate"], ["gender"]),
    ("'x' & gender & %resource.id", ["gender", "id"], ["birthDate"]),
    ("name[0].given[1]", ["name.given"], ["name.family"]),
    ("name.given.count() > 1", ["name.given"], ["name.family"]),
    ("multipleBirth is integer", ["multipleBirthInteger"], ["multipleBirthBoolean"]),
]


@pytest.mark.parametrize(("path", "read", "unread"), CASES)
def test_what_an_expression_reads(path: str, read: list[str], unread: list[str]) -> None:
    covers = reads_of([view(path)]).covers()
    assert [name for name in read if not covers(name)] == []
    assert [name for name in unread if covers(name)] == []


def test_an_object_that_is_kept_whole_is_read_with_all_below() -> None:
    covers = reads_of([compiled(columns(column("value", "name", "HumanName", collection=True)))]).covers()
    assert covers("name.period.start")
    assert not covers("nameX")
    assert not covers("telecom.value")


def test_conditions_and_places_of_repetition_count_and_nested_selects_start_there() -> None:
    found = compiled(
        {"forEach": "contact", "column": [column("given", "name.given.first()")]},
        {"forEachOrNull": "telecom", "unionAll": [columns(column("kind", "system")), columns(column("kind", "use"))]},
        where=[{"path": "active = true"}],
    )
    covers = reads_of([found]).covers()
    for path in ("contact.name.given", "telecom.system", "telecom.use", "active"):
        assert covers(path), path
    for path in ("name.given", "contact.name.family", "telecom.value", "system"):
        assert not covers(path), path


def test_repeat_reaches_every_level() -> None:
    found = compiled(
        {"repeat": ["item", "answer.item"], "column": [column("link", "linkId")]}, resource="QuestionnaireResponse"
    )
    covers = reads_of([found]).covers()
    for path in ("item.linkId", "item.item.linkId", "item.answer.item.item.linkId"):
        assert covers(path), path
    for path in ("linkId", "item.text", "item.answer.linkId"):
        assert not covers(path), path


def test_views_of_a_type_add_up_and_house_columns_count() -> None:
    covers = reads_of([view("gender"), view("birthDate")]).covers()
    for path in ("gender", "birthDate", "id", "meta.versionId", "meta.lastUpdated", "resourceType"):
        assert covers(path), path
    assert not covers("meta.profile")


def test_a_view_that_takes_the_resource_takes_all_of_it() -> None:
    whole = compiled(columns(column("value", "$this", "Patient")))
    assert reads_of([whole]).covers()("anything.at.all")
    assert root_elements([whole]) == ()


def test_top_level_elements_to_ask_for_are_those_that_paths_begin_with() -> None:
    found = root_elements([view("name.where(use = 'official').family.first()"), view("deceased.ofType(boolean)")])
    assert found == ("deceased", "id", "meta", "name")


def test_every_view_of_the_package_can_be_followed() -> None:
    manager = ViewDefinitionManager()
    assert root_elements(manager.of_resource("Patient")) == (
        "active", "address", "birthDate", "communication", "contact", "deceased", "extension", "gender", "id",
        "identifier", "managingOrganization", "maritalStatus", "meta", "multipleBirth", "name", "telecom",
    )  # fmt: skip
    for resource_type in {found.resource for found in manager}:
        assert root_elements(manager.of_resource(resource_type))
