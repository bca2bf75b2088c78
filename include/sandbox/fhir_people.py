"""Generated FHIR resources: patients of an invented clinic, and what was measured of them.

Every resource depends on (seed, index) alone, so a sample can grow without changing what it holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from include.sandbox import lending_words as words
from include.sandbox.lending_draw import Draw

Resource = dict[str, Any]

_US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition"
_LOINC = "http://loinc.org"
_UCUM = "http://unitsofmeasure.org"
_RACES = (("2106-3", "White"), ("2054-5", "Black or African American"), ("2028-9", "Asian"))


def clinic(count: int, seed: int = 1, broken_share: float = 0.0) -> Iterator[Resource]:
    """`count` patients, each followed by two observations.

    `round(count * broken_share)` patients, evenly spread, are such that no view of demographics can take them.
    """
    broken = round(count * broken_share)
    for index in range(count):
        is_broken = (index + 1) * broken // count > index * broken // count
        yield patient(index, seed, broken=is_broken)
        yield from observations(index, seed)


def patient(index: int, seed: int = 1, *, broken: bool = False) -> Resource:
    """A broken one says in words whether it is deceased, where FHIR has true and false."""
    draw = Draw(seed, 3 * index)
    race, race_text = draw.pick(_RACES)
    deceased = draw.chance(0.05)
    return {
        "resourceType": "Patient",
        "id": f"demo-{index:06d}",
        "active": draw.chance(0.9),
        "extension": [
            {
                "url": f"{_US_CORE}/us-core-race",
                "extension": [
                    {"url": "ombCategory", "valueCoding": {"code": race, "display": race_text}},
                    {"url": "text", "valueString": race_text},
                ],
            },
            {"url": f"{_US_CORE}/us-core-birthsex", "valueCode": draw.pick(("F", "M"))},
        ],
        "identifier": [_record_number(draw)],
        "name": [
            {
                "use": "official",
                "family": draw.pick(words.LAST_NAMES),
                "given": [draw.pick(words.FIRST_NAMES), draw.pick(words.FIRST_NAMES)],
            }
        ],
        "telecom": [
            {"system": "phone", "value": f"+49 30 {draw.digits(7)}", "use": "home"},
            {"system": "email", "value": f"patient{draw.digits(6)}@example.com"},
        ],
        "gender": draw.pick(("female", "male", "other")),
        "birthDate": draw.day(1950, 2020),
        "deceasedBoolean": "perhaps" if broken else deceased,
        "address": [_address(draw, use) for use in ("home", "old")[: draw.number(1, 3)]],
        "maritalStatus": {"coding": [{"code": draw.pick(("M", "S", "W"))}]},
        "communication": [{"language": {"coding": [{"code": draw.pick(("de", "en", "it"))}]}, "preferred": True}],
    }


def observations(index: int, seed: int = 1) -> Iterator[Resource]:
    """A body weight and a blood pressure, which has two components."""
    draw = Draw(seed, 3 * index + 1)
    weight = {"value": draw.number(400, 1200) / 10, "unit": "kg", "system": _UCUM, "code": "kg"}
    yield _observation(index, "weight", "29463-7", draw, valueQuantity=weight)
    pressures = [("8480-6", draw.number(95, 180)), ("8462-4", draw.number(55, 110))]
    components = [
        {
            "code": {"coding": [{"system": _LOINC, "code": code}]},
            "valueQuantity": {"value": value, "unit": "mmHg", "system": _UCUM, "code": "mm[Hg]"},
        }
        for code, value in pressures
    ]
    yield _observation(index, "pressure", "85354-9", draw, component=components)


def _observation(index: int, kind: str, code: str, draw: Draw, **value: object) -> Resource:
    return {
        "resourceType": "Observation",
        "id": f"demo-{index:06d}-{kind}",
        "status": "final",
        "category": [{"coding": [{"code": "vital-signs"}]}],
        "code": {"coding": [{"system": _LOINC, "code": code}], "text": kind},
        "subject": {"reference": f"Patient/demo-{index:06d}"},
        "effectiveDateTime": draw.moment(2024, 2026),
        **value,
    }


def _record_number(draw: Draw) -> Resource:
    coding = {"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}
    return {"type": {"coding": [coding]}, "system": "urn:headrace:clinic", "value": draw.digits(8)}


def _address(draw: Draw, use: str) -> Resource:
    return {
        "use": use,
        "line": [f"{draw.pick(words.STREETS)} {draw.number(1, 240)}"],
        "city": draw.pick(words.CITIES),
        "state": draw.pick(words.REGIONS),
        "postalCode": draw.digits(5),
        "country": draw.pick(words.COUNTRIES),
    }
