from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from include.engine.errors import SettingsError
from include.pipelines.fhir.views.manager import DEFINITIONS, ViewDefinitionManager
from tests.include.pipelines.fhir.views.documents import column, columns, definition


def write(folder: Path, name: str, raw: dict[str, Any]) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(raw))


def test_every_file_of_the_folder_becomes_a_view_and_a_table(tmp_path: Path) -> None:
    write(tmp_path, "a.json", definition(columns(column("id", "id"))))
    write(tmp_path, "b.json", definition(columns(column("id", "id")), name="groups", resource="Group"))
    manager = ViewDefinitionManager([tmp_path])
    assert [view.name for view in manager] == ["people", "groups"]
    assert [view.name for view in manager.of_resource("Group")] == ["groups"]
    assert manager["groups"].table.name == "groups"
    assert len(manager) == 2


def test_the_mistakes_of_all_files_come_in_one_error(tmp_path: Path) -> None:
    write(tmp_path, "a.json", definition(columns(column("id", "id("))))
    write(tmp_path, "b.json", definition(columns(column("1", "id"))))
    write(tmp_path, "c.json", {"resource": "Patient", "select": [columns(column("id", "id"))]})
    with pytest.raises(SettingsError) as raised:
        ViewDefinitionManager([tmp_path])
    assert [part in str(raised.value) for part in ("a.json", "b.json", "c.json: it needs a name")] == [True] * 3


def test_a_file_of_the_first_folder_stands_for_that_of_the_others(tmp_path: Path) -> None:
    own = definition(columns(column("only", "id")), name="conditions", resource="Condition")
    write(tmp_path, "conditions.json", own)
    manager = ViewDefinitionManager([tmp_path, DEFINITIONS])
    assert [made.name for made in manager["conditions"].columns] == ["only"]
    assert len(manager) == len(ViewDefinitionManager())


@pytest.mark.parametrize("other", ["people", "People"])
def test_two_views_of_one_name_are_refused(tmp_path: Path, other: str) -> None:
    write(tmp_path, "a.json", definition(columns(column("id", "id"))))
    write(tmp_path, "b.json", definition(columns(column("id", "id")), name=other))
    with pytest.raises(SettingsError, match=r"b\.json: another file has a view"):
        ViewDefinitionManager([tmp_path])


def test_an_unknown_view_says_which_there_are(tmp_path: Path) -> None:
    write(tmp_path, "a.json", definition(columns(column("id", "id"))))
    with pytest.raises(SettingsError, match="there are people"):
        ViewDefinitionManager([tmp_path])["nobody"]


def test_a_folder_that_is_missing_or_empty_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no \*\.json"):
        ViewDefinitionManager([tmp_path])
    with pytest.raises(SettingsError, match="is no folder"):
        ViewDefinitionManager([tmp_path / "missing"])
