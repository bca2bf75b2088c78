from __future__ import annotations

import pytest

from include.pipelines.fhir.fhirpath.compile import compile_expression

UUID = "151ee95c-7114-4b0d-9d47-2e72b1322d80"


@pytest.mark.parametrize(
    ("reference", "asked", "expected"),
    [
        ({"reference": "Patient/p1"}, "", "p1"),
        ({"reference": "Patient/p1/_history/2"}, "Patient", "p1"),
        ({"reference": "Group/g1"}, "Patient", None),
        ({"reference": f"urn:uuid:{UUID}"}, "", UUID),
        ({"reference": f"urn:uuid:{UUID}"}, "Patient", UUID),
        ({"reference": f"urn:uuid:{UUID}", "type": "Patient"}, "Patient", UUID),
        ({"reference": f"urn:uuid:{UUID}", "type": "Group"}, "Patient", None),
        ({"reference": "https://other.example/fhir/Patient/p1"}, "Patient", None),
        ({"reference": "#contained"}, "", None),
        ({"reference": "Patient?identifier=1"}, "", None),
        ({"reference": "Patient/" + "x" * 65}, "", None),
        ({"reference": 5}, "", None),
        ({"identifier": {"value": "x"}}, "", None),
        ("Patient/p1", "", None),
    ],
)
def test_a_reference_gives_the_key_of_what_it_names(reference: object, asked: str, expected: str | None) -> None:
    compiled = compile_expression(f"subject.getReferenceKey({asked})")
    node = {"subject": reference}
    assert compiled.one(node, (node, 0)) == expected
