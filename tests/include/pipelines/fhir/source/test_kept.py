from __future__ import annotations

import gzip
import json
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from include.connections.files.folder import LocalFolder
from include.connections.files.named_folder import named_folder
from include.connections.files.objects import ObjectStore
from include.engine.errors import (
    FatalError,
    HeadraceError,
    RecordRejected,
    SettingsError,
    SourceChanged,
    TransientError,
)
from include.engine.model import NamedSlice, Record
from include.pipelines.fhir.records import deletion_of, record_of
from include.pipelines.fhir.source import kept_file
from include.pipelines.fhir.source.kept import KeptFolder
from tests.fixtures.object_store import ANY, Fault, ObjectServer

ROOT = Path(__file__).resolve().parents[5]
EVERY_PATIENT = NamedSlice("kept Patient", None, None)


class Place(Protocol):
    """Where something is kept, and what is there."""

    folder: KeptFolder

    def files(self) -> list[str]:
        """`<type>/<name>`, sorted; also what is not whole."""

    def read(self, name: str) -> bytes: ...

    def write(self, name: str, content: bytes) -> None: ...

    def remove(self, name: str) -> None: ...


class Disk:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = KeptFolder(named_folder("kept_folder", root, None))

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.root)) for path in self.root.rglob("*") if path.is_file())

    def read(self, name: str) -> bytes:
        return (self.root / name).read_bytes()

    def write(self, name: str, content: bytes) -> None:
        (self.root / name).write_bytes(content)

    def remove(self, name: str) -> None:
        (self.root / name).unlink()


class Bucket:
    def __init__(self, s3: ObjectServer) -> None:
        self.s3 = s3
        self.folder = KeptFolder(named_folder("kept_folder", "s3://cases/kept", ObjectStore(s3.client(), [])))

    def files(self) -> list[str]:
        return [key.removeprefix("kept/") for key in self.s3.keys("kept/")]

    def read(self, name: str) -> bytes:
        return self.s3.get(f"kept/{name}")

    def write(self, name: str, content: bytes) -> None:
        self.s3.put(f"kept/{name}", content)

    def remove(self, name: str) -> None:
        self.s3.client().delete_object(Bucket="cases", Key=f"kept/{name}")


@pytest.fixture
def bucket(s3: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return Bucket(s3)


@pytest.fixture(params=["disk", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    found: Place = Disk(tmp_path) if request.param == "disk" else request.getfixturevalue("bucket")
    return found


def resource(number: int, day: int | None = None, resource_type: str = "Patient", **more: object) -> Record:
    meta = {} if day is None else {"meta": {"lastUpdated": f"2026-01-{day:02d}T00:00:00Z"}}
    return record_of(json.dumps({"resourceType": resource_type, "id": f"p{number}", **meta, **more}).encode())


def keep(place: Place, *records: Record) -> list[Record]:
    return list(place.folder.keeping(records))


def everything(place: Place) -> list[Record]:
    return list(place.folder.read(EVERY_PATIENT))


def test_records_pass_unchanged_and_are_kept_by_type(place: Place) -> None:
    records = [resource(1), resource(2, resource_type="Claim"), resource(3)]
    assert keep(place, *records) == records
    claims, patients = place.files()
    assert claims.startswith("Claim/")
    assert patients.startswith("Patient/")
    assert patients.endswith("-2.ndjson.gz")
    assert gzip.decompress(place.read(patients)).splitlines() == [records[0].payload, records[2].payload]


def test_on_disk_their_owner_alone_may_read_them(tmp_path: Path) -> None:
    keep(Disk(tmp_path), resource(1))
    (folder,) = tmp_path.iterdir()
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_what_has_no_content_is_not_kept(place: Place) -> None:
    fault = Record("unreadable/1", None, fault=RecordRejected("fhir.unreadable", "no"))
    keep(place, fault, deletion_of("Patient", "p1", "2026-01-01T00:00:00.000000Z"))
    assert place.files() == []


def test_a_batch_that_ends_early_keeps_nothing(place: Place) -> None:
    def broken() -> Iterator[Record]:
        yield resource(1)
        raise FatalError("the server is gone")

    with pytest.raises(FatalError, match="gone"):
        list(place.folder.keeping(broken()))
    stopped = place.folder.keeping(iter([resource(1), resource(2)]))
    next(stopped)
    stopped.close()  # type: ignore[attr-defined]
    assert place.files() == []


def test_a_batch_of_which_one_file_cannot_be_kept_keeps_nothing_and_its_next_attempt_all(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [resource(1), resource(2, resource_type="Claim"), resource(3, resource_type="Group")]
    complete = kept_file.KeptFile.complete
    count = 0

    def second_fails(file: kept_file.KeptFile, stem: kept_file.Stem, number: int) -> None:
        nonlocal count
        count += 1
        complete(file, stem, number)
        if count == 2:
            raise TransientError("the answer was lost")

    with monkeypatch.context() as patch:
        patch.setattr(kept_file.KeptFile, "complete", second_fails)
        with pytest.raises(TransientError, match="the answer was lost"):
            keep(place, *records)
    assert place.files() == []
    keep(place, *records)
    assert [name.partition("/")[0] for name in place.files()] == ["Claim", "Group", "Patient"]


def test_of_each_resource_the_state_that_was_read_last_comes_back(place: Place) -> None:
    keep(place, resource(1, 1, gender="male"), resource(2, 1))
    keep(place, resource(1, 2), resource(1, 3, gender="female"))
    found = everything(place)
    assert {(record.key, record.version) for record in found} == {
        ("Patient/p1", "2026-01-03T00:00:00.000000Z"),
        ("Patient/p2", "2026-01-01T00:00:00.000000Z"),
    }
    assert len(found) == 2


def test_a_resource_without_a_date_counts_as_of_when_it_was_read(place: Place) -> None:
    keep(place, resource(1, gender="male"))
    keep(place, resource(1, gender="female"))
    (found,) = everything(place)
    assert b"female" in found.payload
    stamp = place.files()[-1].removeprefix("Patient/")[:8]
    assert found.version is not None
    assert found.version.replace("-", "").startswith(stamp)


@pytest.mark.parametrize("bound", ["MAX_LINES", "MAX_BYTES"])
def test_a_large_batch_goes_to_several_files_in_which_the_last_state_still_wins(
    place: Place, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setattr(kept_file, bound, 2)
    states = [resource(number % 3, text=str(number)) for number in range(8)]
    keep(place, *states)
    assert sum(int(name.rpartition("-")[2].partition(".")[0]) for name in place.files()) == 8
    if bound == "MAX_LINES":
        assert len(place.files()) == 4
        lines = [line for name in place.files() for line in gzip.decompress(place.read(name)).splitlines()]
        assert lines == [state.payload for state in states]
    assert {record.payload for record in everything(place)} == {state.payload for state in states[-3:]}


def test_slices_go_by_file_and_cover_all_of_them_also_those_that_come_later(place: Place) -> None:
    for day in range(1, 7):
        keep(place, *(resource(number, day) for number in range(10 * day, 10 * day + 10)))
    keep(place, resource(1, resource_type="Claim"))
    folder = place.folder
    batches = folder.plan({"Patient", "Claim", "Group"}, 25)
    assert [(batch.index, batch.planned_records, batch.estimated) for batch in batches] == [
        (0, 1, True),
        (1, 20, True),
        (2, 20, True),
        (3, 20, True),
    ]
    keep(place, resource(999))
    parts = [batch.part for batch in batches if isinstance(batch.part, NamedSlice)]
    keys = [record.key for part in parts[1:] for record in folder.read(part)]
    assert sorted(keys) == sorted({*(f"Patient/p{number}" for number in range(10, 70)), "Patient/p999"})
    assert len(folder.plan({"Patient"}, 1, most=3)) <= 3


def test_the_oldest_file_of_a_type_tells_since_when_it_is_kept(place: Place) -> None:
    assert place.folder.began("Patient") is None
    keep(place, resource(1))
    first = place.folder.began("Patient")
    keep(place, resource(2))
    place.write("Patient/0.txt", b"of somebody else")
    assert first is not None
    assert place.folder.began("Patient") == first
    assert f"{first:%Y%m%dT%H%M%S.%fZ}" in place.files()[1]


def test_files_of_others_are_left_alone(place: Place) -> None:
    keep(place, resource(1))
    (name,) = place.files()
    for other in ("Patient/notes.txt", f"Patient/old/{name.partition('/')[2]}"):
        if isinstance(place, Disk):
            (place.root / other).parent.mkdir(exist_ok=True)
        place.write(other, b"x")
    assert [record.key for record in everything(place)] == ["Patient/p1"]


def test_a_broken_file_is_fatal_and_named(place: Place) -> None:
    keep(place, resource(1))
    (name,) = place.files()
    place.write(name, place.read(name)[:-9])
    with pytest.raises(FatalError, match=rf"{name} cannot be read \(EOFError\): remove it"):
        everything(place)


def test_a_file_removed_between_listing_and_reading_is_a_changed_source(place: Place) -> None:
    keep(place, resource(1))
    keep(place, resource(2))
    reading = place.folder.read(EVERY_PATIENT)
    next(reading)
    place.remove(place.files()[0])
    with pytest.raises(SourceChanged, match="was removed from kept_folder"):
        next(reading)


def test_a_place_that_is_not_there_is_named_by_its_setting(tmp_path: Path, s3: ObjectServer) -> None:
    for folder in (None, tmp_path / "no"):
        with pytest.raises(SettingsError, match="kept_folder must be the absolute path"):
            named_folder("kept_folder", folder, None)
    elsewhere = KeptFolder(named_folder("kept_folder", "s3://nowhere/kept/", ObjectStore(s3.client(), [])))
    with pytest.raises(SettingsError, match="kept_folder cannot be listed"):
        elsewhere.check()
    KeptFolder(LocalFolder(tmp_path, "kept_folder")).check()


def test_a_store_that_throttles_or_cuts_an_answer_once_is_asked_again(bucket: Bucket) -> None:
    order = bucket.s3.order
    order("slow_down", "cases", times=1)
    bucket.folder.check()
    keep(bucket, resource(1), resource(2))
    (name,) = bucket.files()
    base = name.partition("/")[2]
    for fault in ("slow_down", "cut"):
        order(fault, base, times=1)
        assert len(everything(bucket)) == 2
    assert bucket.s3.asked["GET", base] == 4


@pytest.mark.parametrize(
    ("fault", "kind", "message"),
    [
        ("denied", SettingsError, "kept_folder: Patient/.* the store refused the request"),
        ("slow_down", TransientError, "the store answered 503"),
        ("cut", TransientError, "the store did not answer|the body ended"),
    ],
)
def test_a_store_that_does_not_give_a_file_ends_the_batch_and_says_which_way(
    bucket: Bucket,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
    kind: type[HeadraceError],
    message: str,
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    keep(bucket, resource(1))
    bucket.s3.order(fault, bucket.files()[0].partition("/")[2])
    with pytest.raises(kind, match=message):
        everything(bucket)


@pytest.mark.parametrize(
    ("fault", "kind", "message"),
    [
        ("denied", SettingsError, "kept_folder does not take a file: the store refused the request"),
        ("slow_down", TransientError, "the store answered 503"),
    ],
)
def test_a_store_that_takes_no_file_ends_the_batch_which_keeps_nothing(
    bucket: Bucket,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
    kind: type[HeadraceError],
    message: str,
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    bucket.s3.order(fault, ANY, method="PUT")
    with pytest.raises(kind, match=message):
        keep(bucket, resource(1, resource_type="Claim"), resource(2), resource(3))
    assert bucket.files() == []
    assert list(tmp_path.iterdir()) == [], "nor on this machine"


def test_what_s3_keeps_is_on_this_machine_only_until_then_and_under_no_name(bucket: Bucket, tmp_path: Path) -> None:
    keeping = bucket.folder.keeping(iter([resource(1), resource(2)]))
    next(keeping)
    assert (bucket.files(), list(tmp_path.iterdir())) == ([], [])
    assert len([next(keeping), *keeping]) == 1
    assert len(bucket.files()) == 1


def test_a_disk_that_is_full_names_the_setting_and_keeps_nothing(tmp_path: Path) -> None:
    code = """
import os, resource, signal, sys
from pathlib import Path
from include.connections.files.named_folder import named_folder
from include.engine.errors import SettingsError
from include.engine.model import Record
from include.pipelines.fhir.source.kept import KeptFolder
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
records = (Record(f"Patient/{n}", os.urandom(4096).replace(b"\\n", b"")) for n in range(100))
try:
    for _ in KeptFolder(named_folder("kept_folder", Path(sys.argv[1]), None)).keeping(records): pass
except SettingsError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert (done.stdout, done.stderr) == ("kept_folder does not take a file: OSError\n", "")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
