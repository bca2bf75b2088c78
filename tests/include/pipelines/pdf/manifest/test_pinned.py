from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.engine.errors import SettingsError, SourceChanged
from include.engine.model import Batch, LineRange
from include.pipelines.pdf.manifest.model import ManifestDocument
from include.pipelines.pdf.manifest.pinned import LocalPins, plan_pinned, read_pinned
from include.pipelines.pdf.manifest.reading import Manifest
from tests.include.pipelines.pdf.entries import document, entry, write_lines

NAMES = [f"{number}.pdf" for number in range(25)]


@pytest.fixture
def pins(tmp_path: Path) -> LocalPins:
    (tmp_path / "work").mkdir()
    return LocalPins(tmp_path / "work")


@pytest.fixture
def batches(tmp_path: Path, pins: LocalPins) -> list[Batch]:
    lines = ["", *(entry(name, metadata={"n": "\u00e9\n"}) for name in NAMES)]
    manifest = Manifest(write_lines(tmp_path / "case.ndjson", lines))
    return plan_pinned(manifest.documents(), pins, 10, 0)


def copy_of(pins: LocalPins) -> Path:
    (path,) = pins.folder.iterdir()
    return path


def test_batches_are_lines_of_a_copy_that_give_back_every_document_once_and_in_order(
    pins: LocalPins, batches: list[Batch]
) -> None:
    assert [batch.planned_records for batch in batches] == [10, 10, 5]
    parts = [batch.part for batch in batches]
    read = [one for part in parts if isinstance(part, LineRange) for one in read_pinned(pins, part)]
    assert read == [document(name, metadata={"n": "\u00e9\n"}) for name in NAMES]


def test_the_same_manifest_has_one_copy_whatever_its_form(
    pins: LocalPins, batches: list[Batch], tmp_path: Path
) -> None:
    path = tmp_path / "other.json"
    entries = [entry(name, metadata={"n": "\u00e9\n"}) for name in NAMES]
    path.write_text(json.dumps({"id": 5, "documents": entries}))
    before = copy_of(pins)
    assert plan_pinned(Manifest(path).documents(), pins, 10, 0) == batches
    assert copy_of(pins) == before


def test_batches_are_balanced_by_the_bytes_that_the_entries_say(pins: LocalPins) -> None:
    sizes = [10, 10, 1000, 10, 10, 10]
    documents = [document(name, bytes=size) for name, size in zip(NAMES, sizes, strict=False)]
    batches = plan_pinned(documents, pins, 2, sum(sizes) / len(sizes))
    assert [batch.planned_records for batch in batches] == [2, 1, 2, 1]


@pytest.mark.parametrize("how", ["changed", "gone"])
def test_a_copy_that_was_touched_ends_the_batch(pins: LocalPins, batches: list[Batch], how: str) -> None:
    part = batches[0].part
    assert isinstance(part, LineRange)
    copy = copy_of(pins)
    if how == "gone":
        copy.unlink()
    else:
        copy.write_bytes(copy.read_bytes().replace(b"3.pdf", b"4.pdf"))
    with pytest.raises(SourceChanged, match="trigger a new run"):
        next(read_pinned(pins, part))


def test_a_folder_that_takes_no_copy_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="work_folder does not take the manifest's copy: FileNotFoundError"):
        plan_pinned([document("a.pdf")], LocalPins(tmp_path / "none"), 10, 0)


def test_documents_that_end_in_an_error_leave_no_file_behind(pins: LocalPins) -> None:
    def documents() -> Iterator[ManifestDocument]:
        yield document("a.pdf")
        raise SettingsError("line 2 is gone")

    with pytest.raises(SettingsError, match="line 2 is gone"):
        plan_pinned(documents(), pins, 10, 0)
    assert list(pins.folder.iterdir()) == []
