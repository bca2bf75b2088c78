from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from include.connections.files.objects import ObjectStore
from include.connections.files.pinned import FilePin, PinnedFile, pinned_now, pinned_then
from include.connections.files.places import Places
from include.connections.files.roots import LocalRoots
from include.engine.errors import RecordRejected, SettingsError, SourceChanged, TransientError
from tests.fixtures.object_store import ObjectServer

BODY = b"0123456789"


@pytest.fixture(params=["a.csv", "s3://cases/incoming/a.csv"])
def path(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def places(s3: ObjectServer, folder: Path) -> Places:
    put(s3, folder, BODY)
    return Places(LocalRoots([folder]), ObjectStore(s3.client(), ["s3://cases/incoming/"]))


def put(s3: ObjectServer, folder: Path, body: bytes) -> None:
    (folder / "a.csv").write_bytes(body)
    s3.put("incoming/a.csv", body)


def read(file: PinnedFile, start: int, end: int) -> bytes:
    with file.part(start, end) as part:
        return part.read(end - start)


def planned(places: Places, path: str) -> FilePin:
    with pinned_now(places, path, 100) as file:
        return file.pin


def test_parts_are_read_from_the_file_that_was_pinned(s3: ObjectServer, places: Places, path: str) -> None:
    with pinned_now(places, path, 100) as file:
        assert read(file, 0, file.pin.size) == BODY
    pin = FilePin.parse(str(file.pin))
    assert pin == file.pin
    s3.order("cut", "a.csv", times=1)
    with pinned_then(places, path, pin) as file:
        assert [read(file, 2, 6), read(file, 9, 10), read(file, 4, 4), read(file, 0, 1)] == [b"2345", b"9", b"", b"0"]


def test_a_pin_is_the_digest_on_disk_and_the_etag_in_s3(s3: ObjectServer, places: Places) -> None:
    assert planned(places, "a.csv") == FilePin(f"sha256:{hashlib.sha256(BODY).hexdigest()}", 10)
    assert planned(places, "s3://cases/incoming/a.csv") == FilePin(s3.put("incoming/a.csv", BODY), 10)


@pytest.mark.parametrize("how", ["changed", "grown", "gone"])
def test_another_file_than_was_planned_is_fatal(
    s3: ObjectServer, places: Places, folder: Path, path: str, how: str
) -> None:
    pin = planned(places, path)
    put(s3, folder, BODY[:-1] + b"x" if how == "changed" else BODY + b"x")
    if how == "gone":
        (folder / "a.csv").unlink()
        s3.client().delete_object(Bucket="cases", Key="incoming/a.csv")
    with pytest.raises(SourceChanged, match="trigger a new run"), pinned_then(places, path, pin) as file:
        read(file, 2, 6)


def test_a_file_that_changes_while_it_is_open_is_not_trusted(places: Places, folder: Path) -> None:
    pin = planned(places, "a.csv")
    with pytest.raises(SettingsError, match=r"file: file\.source_changed"), pinned_now(places, "a.csv", 100):
        (folder / "a.csv").write_bytes(BODY + BODY)
    (folder / "a.csv").write_bytes(BODY)
    with pytest.raises(SourceChanged), pinned_then(places, "a.csv", pin):
        (folder / "a.csv").write_bytes(BODY + BODY)


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("none.csv", r"input: file\.missing"),
        ("../a.csv", r"input: file\.outside_roots"),
        ("s3://cases/incoming/none.csv", r"input: file\.missing"),
        ("s3://cases/a.csv", r"input: file\.outside_roots"),
        ("a.csv", "input: 10 bytes, 9 are allowed"),
    ],
)
def test_what_may_not_be_read_is_a_mistake_of_the_setting(places: Places, path: str, fault: str) -> None:
    with pytest.raises(SettingsError, match=fault), pinned_now(places, path, 9, "input"):
        pass


def test_a_reject_that_is_not_the_files_stays_what_it_is(places: Places) -> None:
    with pytest.raises(RecordRejected, match="of another"), pinned_then(places, "a.csv", planned(places, "a.csv")):
        raise RecordRejected("row.bad", "of another")


def test_throttling_is_outlasted_and_then_left_to_the_tasks_own_retry(s3: ObjectServer, places: Places) -> None:
    path = "s3://cases/incoming/a.csv"
    s3.order("slow_down", "a.csv", method="HEAD", times=1)
    pin = planned(places, path)
    s3.order("slow_down", "a.csv")
    with pytest.raises(TransientError), pinned_then(places, path, pin) as file:
        read(file, 0, 10)
