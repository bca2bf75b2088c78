from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from include.connections.files.objects import ObjectStore
from include.connections.files.places import Places
from include.connections.files.roots import LocalRoots
from include.engine.errors import SettingsError, TransientError
from include.pipelines.pdf.manifest import opening
from include.pipelines.pdf.manifest.opening import opened_listing
from tests.fixtures.object_store import ObjectServer
from tests.include.pipelines.pdf.entries import document, entry, write_lines


@pytest.fixture
def places(s3: ObjectServer, folder: Path) -> Places:
    return Places(LocalRoots([folder]), ObjectStore(s3.client(), ["s3://cases/incoming/"]))


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "temporary"
    path.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(path))
    return path


def lines(folder: Path) -> bytes:
    return write_lines(folder / "lines.ndjson", [entry("a.pdf"), entry("b.pdf")]).read_bytes()


@pytest.mark.parametrize("place", ["case.ndjson", "s3://cases/incoming/case.ndjson"])
def test_a_manifest_is_read_wherever_it_is_and_its_copy_goes(
    s3: ObjectServer, places: Places, folder: Path, temporary: Path, place: str
) -> None:
    s3.put("incoming/case.ndjson", lines(folder))
    (folder / "case.ndjson").write_bytes(lines(folder))
    with opened_listing(place, places, None, None) as listing:
        assert list(temporary.iterdir()) == []
        assert listing.check().id == "case"
        assert list(listing.documents()) == [document("a.pdf"), document("b.pdf")]
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("place", ["incoming", "s3://cases/incoming", "s3://cases/incoming/"])
def test_a_folder_is_read_wherever_it_is(s3: ObjectServer, places: Places, folder: Path, place: str) -> None:
    s3.put("incoming/a.pdf", b"%PDF-")
    (folder / "incoming").mkdir()
    (folder / "incoming/a.pdf").write_bytes(b"%PDF-")
    with opened_listing(place, places, None, None) as listing:
        assert [one.file_path.rpartition("/")[2] for one in listing.documents()] == ["a.pdf"]


@pytest.mark.parametrize(
    ("place", "fault"),
    [
        ("none.ndjson", r"manifest: file\.missing"),
        ("../case.ndjson", r"manifest: file\.outside_roots"),
        ("..", r"manifest: file\.outside_roots"),
        ("none", "manifest: neither a file .json or .ndjson nor a folder"),
        ("s3://cases/incoming/none.ndjson", r"manifest: file\.missing"),
        ("s3://cases/other/case.ndjson", r"manifest: file\.outside_roots"),
        ("s3://cases/", r"manifest: file\.outside_roots"),
        ("s3://cases/incoming/denied.json", r"manifest: file\.denied"),
    ],
)
def test_what_is_not_there_or_not_allowed_is_a_mistake_of_the_settings(
    s3: ObjectServer, places: Places, place: str, fault: str
) -> None:
    s3.order("denied", "denied.json", method="HEAD")
    with pytest.raises(SettingsError, match=fault), opened_listing(place, places, None, None):
        pass


def test_without_a_connection_nothing_is_in_s3(folder: Path) -> None:
    with (
        pytest.raises(SettingsError, match="set s3_conn_id"),
        opened_listing("s3://cases/incoming/", Places(LocalRoots([folder]), None), None, None),
    ):
        pass


def test_throttling_is_outlasted_and_then_left_to_the_tasks_own_retry(
    s3: ObjectServer, places: Places, folder: Path
) -> None:
    s3.put("incoming/case.ndjson", lines(folder))
    s3.order("cut", "case.ndjson", times=1)
    with opened_listing("s3://cases/incoming/case.ndjson", places, None, None) as listing:
        assert listing.check().documents == 2
    s3.order("slow_down", "case.ndjson")
    with pytest.raises(TransientError), opened_listing("s3://cases/incoming/case.ndjson", places, None, None):
        pass


def test_a_manifest_that_is_too_large_for_this_machine_is_not_copied(
    s3: ObjectServer, places: Places, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.put("incoming/case.ndjson", lines(folder))
    monkeypatch.setattr(opening, "MAX_MANIFEST_BYTES", 10)
    with (
        pytest.raises(SettingsError, match="10 are allowed"),
        opened_listing("s3://cases/incoming/case.ndjson", places, None, None),
    ):
        pass
    assert s3.asked["GET", "case.ndjson"] == 0
