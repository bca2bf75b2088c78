"""Our closures and fhirpathpy, another implementation, on real resources: the same values for the same expressions."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import fhirpathpy
import pytest
from fhirpathpy.models import models

from include.pipelines.fhir.fhirpath.compile import compile_expression
from include.pipelines.fhir.fhirpath.errors import EvaluationError
from include.pipelines.fhir.fhirpath.tree import Literal
from include.pipelines.fhir.views.definition import Select
from include.pipelines.fhir.views.manager import ViewDefinitionManager
from include.pipelines.fhir.views.selects import constants_of
from tests.include.pipelines.fhir.real_resources import real_resources

ALL = "HEADRACE_TEST_ALL_RESOURCES"
"""Set, all 5,000 real resources are compared instead of 40 of each type."""

ABSENT = ("getResourceKey", "getReferenceKey", "lowBoundary", "highBoundary", "rowIndex")
"""What fhirpathpy does not have; tests of their own stand for them."""

VIEWS = ViewDefinitionManager()

COMMON = [
    "id",
    "meta.tag.code",
    "meta.tag.where(system.exists()).single().code",
    "status = 'active' or status = 'final'",
    "subject.exists() and encounter.empty()",
    "code.coding.count() > 1",
    "contained.empty()",
    "identifier.exists() implies identifier.value.exists()",
]

EXPRESSIONS = {
    "AllergyIntolerance": ["recordedDate < @2010-01-01T00:00:00Z", "reaction.manifestation.coding.code", "category"],
    "CarePlan": ["period.start > @2010", "activity.detail.status.distinct()", "activity.detail.code.text.join('; ')"],
    "Claim": ["item.net.value", "total.value / 4", "item.select(net.value * 2 - 1)", "created >= billablePeriod.start"],
    "Condition": [
        "onset",
        "abatement.exists()",
        "onset < recordedDate",
        "onset = recordedDate",
        "abatement is dateTime",
    ],
    "DiagnosticReport": ["result.count()", "result.display.last()", "effective <= issued", "category.coding.code"],
    "Encounter": [
        "period.start < period.end",
        "period.start = period.end",
        "class.code",
        "type.coding.display.first().upper()",
        "participant.individual.reference",
    ],
    "Immunization": ["occurrence > @2012", "vaccineCode.coding.code in ('140' | '08')", "primarySource.not()"],
    "MedicationRequest": ["dosageInstruction.timing.repeat.period", "medication", "reasonReference.reference"],
    "Observation": [
        "value",
        "value.ofType(Quantity).value > 100",
        "value.ofType(Quantity).value <= 23.5",
        "value.ofType(Quantity).value * 2 - 0.1",
        "component.value.ofType(Quantity).value",
        "component.where(code.coding.exists(code = '8480-6')).value.ofType(Quantity).value",
        "effective > @2012-01-01T00:00:00Z",
        "effective.ofType(dateTime) <= issued",
        "issued > effective",
        "effective < @2012",
        "effective.ofType(dateTime) = @2011-04-14T17:39:34+00:00",
        "component.value.ofType(Quantity).where(value > 90).count()",
        "category.coding.code.first() = 'vital-signs'",
        "value is Quantity",
        "component.select(code.text)",
    ],
    "Patient": [
        "Patient.name.family",
        "name.given",
        "name.given[0]",
        "name[5]",
        "name.where(use = 'official').exists()",
        "telecom.all(system = 'phone')",
        "identifier[1].type.text",
        "identifier.skip(1).first().value",
        "identifier.tail().value",
        "identifier.take(2).value",
        "identifier.last().value",
        "identifier.where(type.coding.code = 'MR').value",
        "identifier.exists(system.endsWith('us-ssn'))",
        "identifier.where($this.value.exists()).count()",
        "birthDate < @1960-01-01",
        "birthDate > @1960",
        "birthDate <= @1936-03-12",
        "birthDate = @1936-03-12",
        "birthDate != @1936",
        "birthDate.toString()",
        "(name.given | name.family).count()",
        "gender in ('male' | 'x')",
        "name.given.distinct()",
        "iif(gender = 'male', 'm', 'f')",
        "active.not()",
        "active and true",
        "active or true",
        "active and false",
        "(gender = 'male') xor (multipleBirth.ofType(boolean) = true)",
        "(gender = 'male') implies deceased.exists()",
        "deceased",
        "multipleBirth is boolean",
        "extension.value",
        "extension.value.ofType(decimal).first() + 1",
        "extension.value.ofType(decimal).first() / 4",
        "name.first().family & ', ' & name.first().given.first()",
        "name.first().family.lower().startsWith('g')",
        "name.given.first().substring(1, 2)",
        "name.given.first().length()",
        "name.select(given.first() & family)",
        "address.line.first().contains('Unit')",
        "name = name",
        "telecom = contact",
        "7 div 2",
        "7 mod 2",
        "identifier.type.coding.code contains 'MR'",
        "photo.empty()",
    ],
    "Procedure": ["performed.ofType(Period).start", "performed is Period", "reasonReference.display"],
}

EXPLAINED = {
    "$this.where(value.ofType(Quantity).exists())": "fhirpathpy knows $this within functions only, not at the root",
    "-value.ofType(Quantity).value": "fhirpathpy takes a sign before numbers that are written out only",
}
"""Expressions of observations that are not compared, and why."""

Pair = tuple[str, Callable[[Any], list[Any]], Callable[[Any], list[Any]]]


def selected(selects: Sequence[Select], around: str = "") -> Iterator[str]:
    """Each path of a view as one expression from the root: within an iteration, for its first element."""
    for select in selects:
        path = select.for_each or select.for_each_or_null
        if path in EXPLAINED:
            continue
        within = around
        if path is not None:
            within = f"({around})[0].select({path})" if around else path
            yield within
        yield from (f"({within})[0].select({column.path})" if within else column.path for column in select.column)
        yield from selected((*select.select, *select.union_all), within)


def plain(value: Any) -> Any:
    """Numbers by their exact value."""
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return Decimal(str(value)).normalize()
    return value if isinstance(value, str | bool) else str(value)


def pairs(resource_type: str) -> Iterator[Pair]:
    for view in VIEWS.of_resource(resource_type):
        constants = constants_of(view.definition)
        for text in selected(view.definition.select):
            if not any(name in text for name in ABSENT):
                yield pair(text, constants, resource_type)
    for text in (*COMMON, *EXPRESSIONS[resource_type]):
        yield pair(text, {}, resource_type)


def pair(text: str, constants: dict[str, Literal], resource_type: str) -> Pair:
    ours, theirs = compile_expression(text, constants, resource_type), fhirpathpy.compile(text, models["r4"])
    values = {name: literal.value for name, literal in constants.items()}
    return (
        text,
        lambda resource: plain(list(ours.many(resource, (resource, 0)))),
        lambda resource: plain(theirs(resource, values)),
    )


def outcome(evaluate: Callable[[Any], list[Any]], resource: dict[str, Any]) -> Any:
    try:
        return evaluate(resource)
    except EvaluationError as error:
        return error.cause


@pytest.mark.parametrize("resource_type", EXPRESSIONS)
def test_fhirpathpy_gives_the_same_values(test_data: Path, resource_type: str) -> None:
    resources = real_resources(test_data, resource_type, None if os.environ.get(ALL) else 40)
    differences, telling = [], set()
    for text, ours, theirs in pairs(resource_type):
        for resource in resources:
            expected = theirs(resource)
            telling |= {text} if expected else set()
            if outcome(ours, resource) != expected:
                differences.append(f"{text}: {resource_type}/{resource['id']}")
    assert differences == []
    assert len(telling) > 5


@pytest.mark.parametrize("text", EXPLAINED)
def test_what_is_not_compared_still_fails_there(test_data: Path, text: str) -> None:
    (resource,) = real_resources(test_data, "Observation", 1)
    _, ours, theirs = pair(text, {}, "Observation")
    assert ours(resource)
    with pytest.raises(Exception, match=r"this|Unary"):
        theirs(resource)
