from __future__ import annotations

import json
import tracemalloc
import uuid
from pathlib import Path

import pytest

from include.engine.errors import SettingsError
from include.pipelines.pdf.manifest.listing import MAX_LISTED_FAULTS
from include.pipelines.pdf.manifest.reading import MAX_LINE_BYTES, Manifest, is_manifest_name
from tests.include.pipelines.pdf.entries import PROJECT, entry, key_of, write_lines

NAMES = [f"{number}.pdf" for number in (3, 1, 2)]


@pytest.fixture(params=["json", "ndjson"])
def manifest(request: pytest.FixtureRequest, tmp_path: Path) -> Manifest:
    """The same three documents in both forms."""
    path = tmp_path / f"case.{request.param}"
    if request.param == "json":
        path.write_text(json.dumps({"id": "case 7", "documents": [entry(name, bytes=10) for name in NAMES]}, indent=1))
        return Manifest(path)
    return Manifest(write_lines(path, [{"id": "case 7"}, *(entry(name, bytes=10) for name in NAMES)]))


def test_both_forms_give_the_same_documents_in_their_order(manifest: Manifest) -> None:
    assert [document.file_path for document in manifest.documents()] == NAMES
    summary = manifest.check()
    assert (summary.id, summary.documents, summary.bytes) == ("case 7", 3, 30)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("case.json", True),
        ("s3://bucket/a b/case.NDJSON", True),
        ("case.jsonl", True),
        ("case", False),
        ("s3://bucket/case.json/", False),
        ("case.json/incoming", False),
    ],
)
def test_a_manifest_is_known_by_its_ending_and_anything_else_is_a_folder(name: str, expected: bool) -> None:
    assert is_manifest_name(name) is expected


def test_the_mean_size_is_that_of_the_entries_that_say_one(tmp_path: Path) -> None:
    lines = [entry("a.pdf", bytes=10), entry("b.pdf"), entry("c.pdf", bytes=30)]
    assert Manifest(write_lines(tmp_path / "case.ndjson", lines)).check().mean_bytes == 20


def test_a_byte_order_mark_is_no_fault(manifest: Manifest) -> None:
    manifest.path.write_bytes(b"\xef\xbb\xbf" + manifest.path.read_bytes())
    assert manifest.check().documents == 3


def test_without_a_header_the_file_names_the_manifest_and_empty_lines_are_passed_over(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "case.jsonl", ["", entry("a.pdf"), "  "])
    assert Manifest(path).check().id == "case"
    assert [one.place for one in Manifest(path).entries()] == ["line 2"]


def test_every_fault_is_listed_with_its_place_and_the_uuid_that_is_named_twice_with_both(tmp_path: Path) -> None:
    lines = [
        entry("a.pdf"),
        {"file_path": "b.pdf"},
        "{",
        entry("a.pdf") | {"document_uuid": str(key_of("a.pdf")).upper()},
        "x" * (MAX_LINE_BYTES + 10),
        entry("c.pdf"),
    ]
    with pytest.raises(SettingsError) as caught:
        Manifest(write_lines(tmp_path / "case.ndjson", lines)).check()
    assert str(caught.value) == (
        "manifest case.ndjson: line 2: document_uuid is missing; line 2: project_uuid is missing; line 3: is not JSON; "
        "line 4: document_uuid is that of line 1 too; line 5: is longer than 1048576 bytes"
    )


def test_places_in_one_object_are_positions_of_its_list(tmp_path: Path) -> None:
    path = tmp_path / "case.json"
    path.write_text(json.dumps({"id": 1, "documents": [entry("a.pdf"), 7, entry("a.pdf")]}))
    with pytest.raises(
        SettingsError, match=r"documents\[1\]: is not a JSON object; documents\[2\]: .* documents\[0\] too"
    ):
        Manifest(path).check()


def test_very_many_faults_are_counted(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "case.ndjson", ["{"] * 500)
    with pytest.raises(SettingsError) as caught:
        Manifest(path).check()
    assert str(caught.value).count("is not JSON") == MAX_LISTED_FAULTS
    assert str(caught.value).endswith("; and more: 500 entries have faults")


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("a.txt", "", "name it .json"),
        ("a.json", "", "is not JSON"),
        ("a.json", "[" * 100_000, "is not JSON"),
        ("a.json", "[]", "must be an object with id and a list documents"),
        ("a.json", '{"documents": []}', "must be an object with id and a list documents"),
        ("a.json", '{"id": 1, "documents": []}', "names no documents"),
        ("a.ndjson", "\n", "names no documents"),
        ("a.ndjson", "[" * 100_000, "line 1: is not JSON"),
        ("a.ndjson", '{"id": 1}\n', "names no documents"),
    ],
)
def test_a_file_that_is_no_manifest_is_refused(tmp_path: Path, name: str, text: str, fault: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(SettingsError, match=fault):
        Manifest(tmp_path / name).check()


def test_a_manifest_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"a\.json cannot be read: FileNotFoundError"):
        Manifest(tmp_path / "a.json").check()


def test_a_large_manifest_is_checked_in_flat_memory(tmp_path: Path) -> None:
    peaks = []
    for count in (2_000, 20_000):
        path = tmp_path / f"{count}.ndjson"
        with path.open("w") as file:
            for number in range(count):
                line = entry(f"{number}.pdf") | {"document_uuid": str(uuid.uuid5(PROJECT, str(number)))}
                file.write(json.dumps(line) + "\n")
        tracemalloc.start()
        assert Manifest(path).check().documents == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 100_000
