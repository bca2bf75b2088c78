"""The official SQL-on-FHIR suite, file by file. Two of its tests say what the specification no longer says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from include.engine.errors import SettingsError
from include.pipelines.fhir.views.columns import to_fhir
from include.pipelines.fhir.views.compile import CompiledView
from include.pipelines.fhir.views.errors import ResourceRejected
from include.pipelines.fhir.views.files import check_view

TESTS = {
    "basic": 11,
    "collection": 4,
    "combinations": 6,
    "constant": 8,
    "constant_types": 14,
    "fhirpath": 11,
    "fhirpath_numbers": 1,
    "fn_boundary": 8,
    "fn_empty": 1,
    "fn_extension": 2,
    "fn_first": 2,
    "fn_join": 3,
    "fn_oftype": 2,
    "fn_reference_keys": 3,
    "foreach": 13,
    "logic": 3,
    "repeat": 7,
    "row_index": 9,
    "union": 10,
    "validate": 5,
    "view_resource": 3,
    "where": 8,
}
"""Tests of each file of the suite, 134 in all: a suite that shrank would prove less."""

OBSOLETE = {
    ("fhirpath", "string join"): {"pt2": None, "pt3": None},
    ("fhirpath", "string join: default separator"): {"pt2": None, "pt3": None},
}
"""The suite expects '' where FHIRPath now says that `join` of nothing is nothing: what `given` must be instead."""


def suite_file(folder: Path, name: str) -> dict[str, Any]:
    path = folder / "conformance" / "sql-on-fhir" / f"{name}.json"
    if not path.is_file():
        pytest.skip(f"no {path}: put the folder tests/ of FHIR/sql-on-fhir-v2 there")
    found: dict[str, Any] = json.loads(path.read_text(), parse_float=Decimal)
    return found


def expected_rows(name: str, case: dict[str, Any]) -> list[dict[str, Any]]:
    today = OBSOLETE.get((name, case["title"]), {})
    return [row | ({"given": today[row["id"]]} if row.get("id") in today else {}) for row in case["expect"]]


def sortable(rows: list[dict[str, Any]]) -> list[str]:
    """Rows in any order, columns by name; 5 and 5.0 are the same, null and '' are not."""
    return sorted(json.dumps(row, sort_keys=True, default=float) for row in rows)


def rows_of(view: CompiledView, resources: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    names = [column.name for column in view.columns]
    for resource in resources:
        for row in view.view_rows(resource):
            yield dict(zip(names, row, strict=True))


def run(name: str, case: dict[str, Any], resources: list[dict[str, Any]]) -> None:
    if case.get("expectError"):
        with pytest.raises((SettingsError, ResourceRejected)):
            list(rows_of(CompiledView(check_view(case["view"]), to_fhir), resources))
        return
    view = CompiledView(check_view(case["view"]), to_fhir)
    assert sortable(list(rows_of(view, resources))) == sortable(expected_rows(name, case))
    if "expectColumns" in case:
        assert [column.name for column in view.columns] == case["expectColumns"]


@pytest.mark.parametrize(
    ("name", "number"), [(name, number) for name, count in TESTS.items() for number in range(count)]
)
def test_the_official_suite_passes(test_data: Path, name: str, number: int) -> None:
    content = suite_file(test_data, name)
    run(name, content["tests"][number], content["resources"])


def test_the_suite_is_whole(test_data: Path) -> None:
    assert {name: len(suite_file(test_data, name)["tests"]) for name in TESTS} == TESTS
    assert sum(TESTS.values()) == 134


@pytest.mark.parametrize("name", TESTS)
def test_its_views_also_give_rows_of_their_tables_types(test_data: Path, name: str) -> None:
    content = suite_file(test_data, name)
    for case in content["tests"]:
        if "expect" not in case or not any("id" in resource for resource in content["resources"]):
            continue
        view = CompiledView(check_view(case["view"]))
        width = len(view.table.columns)
        for resource in content["resources"]:
            assert all(len(row) == width for row in view.rows(resource))
