"""View definitions and resources that tests of views share."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from include.pipelines.fhir.views.compile import CompiledView
from include.pipelines.fhir.views.files import parse_view

US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition"

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p1",
    "meta": {"versionId": "7"},
    "birthDate": "1970-06",
    "name": [{"family": "Ada", "given": ["Augusta", "King"]}, {"family": "Byron"}],
    "telecom": [{"system": "phone", "value": "1"}, {"system": "email", "value": "2"}],
}


FULL: tuple[dict[str, Any], ...] = (
    {
        "resourceType": "Patient",
        "id": "p1",
        "meta": {"versionId": "7", "lastUpdated": "2015-02-04T10:00:00.123Z"},
        "active": True,
        "extension": [
            {
                "url": f"{US_CORE}/us-core-race",
                "extension": [{"url": "ombCategory", "valueCoding": {"code": "2106-3"}}],
            },
            {"url": f"{US_CORE}/us-core-birthsex", "valueCode": "F"},
        ],
        "identifier": [{"type": {"coding": [{"system": "x", "code": "MR"}]}, "value": "1"}],
        "birthDate": "1970-06-15",
        "deceasedBoolean": False,
        "multipleBirthInteger": 2,
        "name": [{"use": "official", "family": "Ada", "given": ["Augusta", "King"]}],
        "address": [{"use": "home", "line": ["a", "b"], "city": "Turin", "period": {"start": "2015"}}],
        "telecom": [{"system": "phone", "value": "1", "rank": 1}],
        "contact": [{"name": {"family": "Ada"}, "telecom": [{"system": "email", "value": "2"}]}],
        "communication": [{"language": {"coding": [{"code": "it"}]}, "preferred": True}],
    },
    {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "category": [{"coding": [{"code": "vital-signs"}]}],
        "code": {"coding": [{"system": "x", "code": "1", "userSelected": True}], "text": "t"},
        "subject": {"reference": "Patient/p1"},
        "encounter": {"reference": "Encounter/e1"},
        "effectiveDateTime": "2015-02",
        "issued": "2015-02-04T10:00:00.123Z",
        "valueQuantity": {"value": Decimal("1.50"), "unit": "cm", "system": "u", "code": "cm"},
        "referenceRange": [{"low": {"value": Decimal("1.0")}, "high": {"value": 2}, "text": "r"}],
        "component": [
            {"code": {"coding": [{"code": "2"}]}, "valueQuantity": {"value": 7}},
            {"code": {"coding": [{"code": "3"}]}, "valueCodeableConcept": {"coding": [{"code": "4"}]}},
        ],
    },
)
"""Resources in which most elements that views of the package read are there."""


def column(name: str, path: str, type_name: str | None = None, **more: Any) -> dict[str, Any]:
    found = {"name": name, "path": path, **more}
    return found if type_name is None else found | {"type": type_name}


def tagged(name: str, path: str, type_name: str, ansi: str) -> dict[str, Any]:
    return column(name, path, type_name, tag=[{"name": "ansi/type", "value": ansi}])


def definition(*selects: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"resourceType": "ViewDefinition", "name": "people", "resource": "Patient", "select": list(selects), **more}


def compiled(*selects: dict[str, Any], **more: Any) -> CompiledView:
    return CompiledView(parse_view(json.dumps(definition(*selects, **more))))


def columns(*made: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"column": list(made), **more}
