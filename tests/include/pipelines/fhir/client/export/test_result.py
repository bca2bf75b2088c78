from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from include.engine.errors import FatalError
from include.pipelines.fhir.client.export import result
from include.pipelines.fhir.client.export.result import Export, ExportFile


def file_of(tmp_path: Path, text: str) -> ExportFile:
    path = tmp_path / "deleted-000000-Bundle.ndjson"
    path.write_text(text)
    return ExportFile("deleted", "Bundle", path, len(text), 1)


def deletions(tmp_path: Path, document: Any) -> list[tuple[str, str]]:
    file = file_of(tmp_path, json.dumps(document))
    return list(Export(datetime.now(UTC), False, (), (file,), ()).deletions())


def entry(method: str, url: str) -> dict[str, Any]:
    return {"request": {"method": method, "url": url}}


def test_relative_and_absolute_addresses_name_the_deleted(tmp_path: Path) -> None:
    entries = [entry("DELETE", "Patient/1"), entry("DELETE", "https://fhir.example/r4/Observation/a-b.c")]
    assert deletions(tmp_path, {"entry": entries}) == [("Patient", "1"), ("Observation", "a-b.c")]


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"entry": [entry("PUT", "Patient/1")]},
        {"entry": [entry("DELETE", "Patient?family=Zyxwvut")]},
        {"entry": [{}]},
        {"entry": ["Zyxwvut"]},
    ],
)
def test_what_is_no_deletion_is_an_error_with_its_place_and_without_its_value(tmp_path: Path, document: Any) -> None:
    with pytest.raises(FatalError, match=r"deleted-000000-Bundle\.ndjson, line 1") as error:
        deletions(tmp_path, document)
    assert "Zyxwvut" not in str(error.value)


def test_a_line_beyond_the_bound_is_an_error_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result, "MAX_LINE_BYTES", 10)
    file = file_of(tmp_path, "{}\n\n" + "x" * 11)
    with pytest.raises(FatalError, match="line 3 is larger than 10 bytes"):
        list(file.read())
