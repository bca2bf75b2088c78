from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from include.engine.errors import SettingsError
from include.pipelines.fhir.mapping import Mapping
from include.pipelines.fhir.views.manager import DEFINITIONS
from tests.include.pipelines.fhir.views.documents import column, columns, definition


def view(folder: Path, name: str = "people", path: str = "gender", **more: Any) -> Path:
    text = json.dumps(definition(columns(column("value", path)), name=name, **more))
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(text)
    return folder


def test_views_are_those_of_the_folders_or_the_chosen_ones(tmp_path: Path) -> None:
    folders = [view(tmp_path), DEFINITIONS]
    assert len(Mapping(folders).views) == 14
    assert [found.name for found in Mapping(folders, ["people", "patient_telecoms", "people"]).views] == [
        "people",
        "patient_telecoms",
    ]
    with pytest.raises(SettingsError, match="there is none of that name; there are"):
        Mapping(folders, ["peple"])


def test_the_meaning_of_a_type_changes_with_its_own_views_only(tmp_path: Path) -> None:
    before = Mapping([view(tmp_path / "a"), view(tmp_path / "a", "claims", "use", resource="Claim")])
    after = Mapping([view(tmp_path / "b", path="active"), view(tmp_path / "b", "claims", "use", resource="Claim")])
    assert before.meanings["Claim"] == after.meanings["Claim"]
    assert before.meanings["Patient"] != after.meanings["Patient"]
    fingerprints = [mapping.fingerprint(mapping.target("fhir_views")) for mapping in (before, before, after)]
    assert fingerprints[0] == fingerprints[1] != fingerprints[2]


def test_a_target_has_a_table_a_view_by_the_resources_key(tmp_path: Path) -> None:
    mapping = Mapping([view(tmp_path)])
    target = mapping.target("fhir_views", "clinic")
    assert (target.record_key, target.schema, target["people"].columns) == (
        "resource_key",
        "clinic",
        ("resource_key", "resource_version", "value"),
    )
    assert mapping.target("fhir_views").signature != ""


def test_a_view_whose_name_is_the_houses_own_is_refused_before_work_starts(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="headrace_"):
        Mapping([view(tmp_path, "headrace_people")]).target("fhir_views")
