from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from include.connections.files.object_names import ObjectName
from include.connections.files.objects import ObjectStore
from include.engine.errors import SettingsError
from include.pipelines.pdf.manifest.discovery import FolderListing, PrefixListing
from include.warehouse.window import Window
from tests.fixtures.arrivals import arrival, arrive
from tests.fixtures.object_store import ObjectServer
from tests.include.pipelines.pdf.entries import PROJECT

DAY = Window(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC))
INCOMING = ObjectName("cases", "incoming/")


def pdf(folder: Path, name: str, after: Path | None = None) -> Path:
    return arrive(folder / name, b"%PDF-", after=after)


def test_the_files_of_a_folder_that_came_within_the_window_are_its_documents(folder: Path) -> None:
    early = pdf(folder, "early.pdf")
    inside = [pdf(folder, name, early) for name in ("b.pdf", "sub/c.PDF", "a.pdf")]
    arrive(folder / "notes.txt")
    late = pdf(folder, "late.pdf", inside[-1])
    (folder / "link.pdf").symlink_to(inside[0])
    (folder / "folder.pdf").mkdir()
    listing = FolderListing(folder, Window(arrival(inside[0]), arrival(late)), PROJECT)
    found = list(listing.documents())
    assert [one.file_path for one in found] == [str(folder / name) for name in ("a.pdf", "b.pdf", "sub/c.PDF")]
    assert {(one.project_uuid, one.bytes, one.etag) for one in found} == {(PROJECT, 5, None)}
    assert listing.check().documents == 3
    assert len(list(FolderListing(folder, None, None).documents())) == 5


def test_a_file_is_the_same_document_in_every_run_and_a_folder_the_same_project(folder: Path, tmp_path: Path) -> None:
    pdf(folder, "a.pdf")
    first, again = (next(FolderListing(folder, None, None).documents()) for _ in range(2))
    assert first == again
    deeper = next(FolderListing(tmp_path, None, None).documents())
    assert deeper.document_uuid == first.document_uuid
    assert deeper.project_uuid != first.project_uuid


@pytest.mark.skipif(sys.platform == "darwin", reason="its file systems take names in UTF-8 only")
def test_a_name_that_is_no_text_is_a_fault_with_its_place(folder: Path) -> None:
    pdf(folder, "a.pdf")
    Path(os.fsdecode(os.fsencode(folder) + b"/b\xff.pdf")).write_bytes(b"%PDF-")
    with pytest.raises(SettingsError, match="manifest documents: file 2: file_path must be a text"):
        FolderListing(folder, None, None).check()


def test_a_folder_without_new_documents_is_no_mistake(folder: Path) -> None:
    assert FolderListing(folder, DAY, None).check().documents == 0


def test_the_objects_below_a_prefix_are_its_documents_pinned_as_they_were_listed(s3: ObjectServer) -> None:
    etags = {name: s3.put(f"incoming/{name}", b"%PDF-" + name.encode()) for name in ("b.pdf", "sub/a.PDF")}
    for key in ("incoming/", "incoming/notes.txt", "incoming-other/c.pdf"):
        s3.put(key, b"x")
    store = ObjectStore(s3.client(), [])
    found = list(PrefixListing(store, INCOMING, None, None).documents())
    assert [one.file_path for one in found] == [f"s3://cases/incoming/{name}" for name in etags]
    assert [one.etag for one in found] == list(etags.values())
    assert [one.bytes for one in found] == [5 + len(name) for name in etags]
    chosen = PrefixListing(store, INCOMING, None, UUID(int=7))
    assert {one.project_uuid for one in chosen.documents()} == {UUID(int=7)}


def test_objects_are_selected_by_when_they_arrived(s3: ObjectServer) -> None:
    s3.put("incoming/a.pdf", b"%PDF-")
    store, now = ObjectStore(s3.client(), []), datetime.now(UTC)
    windows = [Window(now - timedelta(hours=1), now + timedelta(hours=1)), Window(now - timedelta(days=1), DAY.start)]
    windows.append(Window(now + timedelta(hours=1), now + timedelta(hours=2)))
    assert [PrefixListing(store, INCOMING, window, None).check().documents for window in windows] == [1, 0, 0]


def test_a_prefix_that_may_not_be_listed_is_named(s3: ObjectServer) -> None:
    s3.order("denied", "cases")
    with pytest.raises(SettingsError, match="manifest s3://cases/incoming/ cannot be listed"):
        PrefixListing(ObjectStore(s3.client(), []), INCOMING, None, None).check()
