"""The functions of FHIRPath that expressions may call, by name, with the arguments that they take."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from include.pipelines.fhir.fhirpath.boundaries import boundary
from include.pipelines.fhir.fhirpath.compiled import Compiled
from include.pipelines.fhir.fhirpath.equality import distinct
from include.pipelines.fhir.fhirpath.existence import all_, count, empty, exists
from include.pipelines.fhir.fhirpath.filtering import select, where
from include.pipelines.fhir.fhirpath.keys import get_resource_key
from include.pipelines.fhir.fhirpath.logic import iif, not_
from include.pipelines.fhir.fhirpath.strings import (
    contains,
    ends_with,
    join,
    length,
    lower,
    replace,
    starts_with,
    substring,
    to_string,
    trim,
    upper,
)
from include.pipelines.fhir.fhirpath.subsetting import first, last, single, skip, tail, take


class Function(NamedTuple):
    """How a call is compiled: from its source and its arguments."""

    build: Callable[..., Compiled]
    least: int = 0
    """Arguments that it must have."""
    most: int = 0
    alone: bool = False
    """Whether it has no source."""


def _low_boundary(source: Compiled, precision: Compiled | None = None) -> Compiled:
    return boundary(source, precision, high=False)


def _high_boundary(source: Compiled, precision: Compiled | None = None) -> Compiled:
    return boundary(source, precision, high=True)


def _iif(_source: Compiled, *arguments: Compiled) -> Compiled:
    return iif(*arguments)


FUNCTIONS = {
    "all": Function(all_, 1, 1),
    "contains": Function(contains, 1, 1),
    "count": Function(count),
    "distinct": Function(distinct),
    "empty": Function(empty),
    "endsWith": Function(ends_with, 1, 1),
    "exists": Function(exists, 0, 1),
    "first": Function(first),
    "getResourceKey": Function(get_resource_key),
    "highBoundary": Function(_high_boundary, 0, 1),
    "iif": Function(_iif, 2, 3, alone=True),
    "join": Function(join, 0, 1),
    "last": Function(last),
    "length": Function(length),
    "lowBoundary": Function(_low_boundary, 0, 1),
    "lower": Function(lower),
    "not": Function(not_),
    "replace": Function(replace, 2, 2),
    "select": Function(select, 1, 1),
    "single": Function(single),
    "skip": Function(skip, 1, 1),
    "startsWith": Function(starts_with, 1, 1),
    "substring": Function(substring, 1, 2),
    "tail": Function(tail),
    "take": Function(take, 1, 1),
    "toString": Function(to_string),
    "trim": Function(trim),
    "upper": Function(upper),
    "where": Function(where, 1, 1),
}
"""`as`, `is`, `ofType`, `getReferenceKey` and `extension` are compiled from the tree: they take types, or look beside
the element that they are called on."""
