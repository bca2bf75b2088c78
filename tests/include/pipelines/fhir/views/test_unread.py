from __future__ import annotations

from pathlib import Path

from include.pipelines.fhir.views.manager import ViewDefinitionManager
from include.pipelines.fhir.views.unread import MAX_PATHS, NO_NAME, OTHER, Unread, paths_in
from tests.include.pipelines.fhir.real_resources import real_resources
from tests.include.pipelines.fhir.views.documents import PATIENT, column, columns, compiled


def test_paths_go_through_lists_beside_primitives_and_by_the_url_of_extensions() -> None:
    resource = {
        "name": [{"given": ["a", None, "b"]}, {"family": "c"}],
        "birthDate": "2000",
        "_birthDate": {"extension": [{"url": "http://example.org/y", "valueCode": "z"}]},
        "extension": [{"url": "u", "extension": [{"url": "v", "valueString": "w"}]}, {"url": "no url, a name"}],
        "empty": {},
    }
    assert sorted(set(paths_in(resource))) == [
        "birthDate",
        "birthDate.extension('http://example.org/y').url",
        "birthDate.extension('http://example.org/y').valueCode",
        "extension('u').extension('v').url",
        "extension('u').extension('v').valueString",
        "extension('u').url",
        "extension.url",
        "name.family",
        "name.given",
    ]


def test_a_member_that_is_no_element_is_not_shown() -> None:
    assert set(paths_in({"Mrs Zyxwvut": {"x": 1}})) == {f"{NO_NAME}.x"}


def test_unread_paths_are_counted_by_resource() -> None:
    unread = Unread([compiled(columns(column("value", "name.family.first()")))])
    for _ in range(2):
        unread.note(PATIENT)
    assert unread.resources == 2
    assert unread.counts == {"birthDate": 2, "name.given": 2, "telecom.system": 2, "telecom.value": 2}


def test_paths_are_bounded_whatever_resources_hold() -> None:
    unread = Unread([compiled(columns(column("value", "gender")))])
    unread.note({f"x{number}": 1 for number in range(MAX_PATHS + 10)})
    unread.note({"y": 1})
    assert len(unread.counts) == MAX_PATHS + 1
    assert unread.counts[OTHER] == 11


def test_of_real_patients_the_views_of_the_package_leave_what_they_say(test_data: Path) -> None:
    unread = Unread(ViewDefinitionManager().of_resource("Patient"))
    for resource in real_resources(test_data, "Patient", 50):
        unread.note(resource)
    assert "text.div" in unread.counts
    assert not {"birthDate", "name.family", "address.city", "telecom.value", "gender"} & set(unread.counts)
