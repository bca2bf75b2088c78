from __future__ import annotations

import json
from pathlib import Path

import pytest

from include.engine.errors import SettingsError, SourceChanged
from include.engine.model import LineRange
from include.pipelines.pdf.manifest.pinned import pin_manifest, plan_pinned, read_pinned
from include.pipelines.pdf.manifest.reading import Manifest
from tests.include.pipelines.pdf.entries import document, entry, write_lines

NAMES = [f"{number}.pdf" for number in range(25)]


@pytest.fixture
def pinned(tmp_path: Path) -> Path:
    lines = ["", *(entry(name, metadata={"n": "\u00e9\n"}) for name in NAMES)]
    (tmp_path / "work").mkdir()
    return pin_manifest(Manifest(write_lines(tmp_path / "case.ndjson", lines)), tmp_path / "work")


def test_batches_are_lines_of_a_copy_that_give_back_every_document_once_and_in_order(pinned: Path) -> None:
    batches = plan_pinned(pinned, 10)
    assert [batch.planned_records for batch in batches] == [10, 10, 5]
    parts = [batch.part for batch in batches]
    read = [one for part in parts if isinstance(part, LineRange) for one in read_pinned(pinned.parent, part)]
    assert read == [document(name, metadata={"n": "\u00e9\n"}) for name in NAMES]


def test_the_same_manifest_has_one_copy_whatever_its_form(pinned: Path, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    entries = [entry(name, metadata={"n": "\u00e9\n"}) for name in NAMES]
    path.write_text(json.dumps({"id": 5, "documents": entries}))
    assert pin_manifest(Manifest(path), pinned.parent) == pinned
    assert list(pinned.parent.iterdir()) == [pinned]


@pytest.mark.parametrize("how", ["changed", "gone"])
def test_a_copy_that_was_touched_ends_the_batch(pinned: Path, how: str) -> None:
    part = plan_pinned(pinned, 10)[0].part
    assert isinstance(part, LineRange)
    if how == "gone":
        pinned.unlink()
    else:
        pinned.write_bytes(pinned.read_bytes().replace(b"3.pdf", b"4.pdf"))
    with pytest.raises(SourceChanged, match="trigger a new run"):
        next(read_pinned(pinned.parent, part))


def test_a_folder_that_takes_no_copy_is_named(pinned: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="work_folder does not take the manifest's copy: FileNotFoundError"):
        pin_manifest(Manifest(pinned), tmp_path / "none")
