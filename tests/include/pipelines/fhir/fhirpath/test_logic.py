from __future__ import annotations

import pytest

from include.pipelines.fhir.fhirpath.compile import compile_expression

TRUE, FALSE, EMPTY = "true", "false", "{}"
VALUES = {TRUE: True, FALSE: False, EMPTY: None}

TABLES = {
    "and": [True, False, None, False, False, False, None, False, None],
    "or": [True, True, True, True, False, None, True, None, None],
    "xor": [False, True, None, True, False, None, None, None, None],
    "implies": [True, False, None, True, True, True, True, None, None],
}
"""In the specification's order: the left side changes slowest, each over true, false and empty."""


@pytest.mark.parametrize("operator", TABLES)
def test_operators_have_the_truth_tables_of_the_specification(operator: str) -> None:
    found = [compile_expression(f"{left} {operator} {right}").one({}, ({}, 0)) for left in VALUES for right in VALUES]
    assert found == TABLES[operator]


@pytest.mark.parametrize(("text", "expected"), [(TRUE, False), (FALSE, True), (EMPTY, None)])
def test_not_leaves_empty_empty(text: str, expected: bool | None) -> None:
    assert compile_expression(f"({text}).not()").one({}, ({}, 0)) is expected
