from __future__ import annotations

import gzip
import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.engine.errors import FatalError, RecordRejected, SettingsError, SourceChanged
from include.engine.model import NamedSlice, Record
from include.pipelines.fhir.records import deletion_of, record_of
from include.pipelines.fhir.source.kept import KeptFolder


def resource(number: int, day: int | None = None, resource_type: str = "Patient", **more: object) -> Record:
    meta = {} if day is None else {"meta": {"lastUpdated": f"2026-01-{day:02d}T00:00:00Z"}}
    return record_of(json.dumps({"resourceType": resource_type, "id": f"p{number}", **meta, **more}).encode())


def keep(folder: Path, *records: Record) -> list[Record]:
    return list(KeptFolder(folder).keeping(records))


def everything(folder: Path, resource_type: str = "Patient") -> list[Record]:
    return list(KeptFolder(folder).read(NamedSlice(f"kept {resource_type}", None, None)))


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_records_pass_unchanged_and_are_kept_by_type_readable_by_their_owner_only(tmp_path: Path) -> None:
    records = [resource(1), resource(2, resource_type="Claim"), resource(3)]
    assert keep(tmp_path, *records) == records
    claims, patients = files(tmp_path)
    assert (claims.parent.name, patients.parent.name) == ("Claim", "Patient")
    assert patients.name.endswith("-2.ndjson.gz")
    assert gzip.decompress(patients.read_bytes()).splitlines() == [records[0].payload, records[2].payload]
    assert stat.S_IMODE(patients.stat().st_mode) == 0o600
    assert stat.S_IMODE(patients.parent.stat().st_mode) == 0o700


def test_what_has_no_content_is_not_kept(tmp_path: Path) -> None:
    fault = Record("unreadable/1", None, fault=RecordRejected("fhir.unreadable", "no"))
    keep(tmp_path, fault, deletion_of("Patient", "p1", "2026-01-01T00:00:00.000000Z"))
    assert files(tmp_path) == []


def test_a_batch_that_ends_early_keeps_nothing(tmp_path: Path) -> None:
    def broken() -> Iterator[Record]:
        yield resource(1)
        raise FatalError("the server is gone")

    with pytest.raises(FatalError, match="gone"):
        list(KeptFolder(tmp_path).keeping(broken()))
    stopped = KeptFolder(tmp_path).keeping(iter([resource(1), resource(2)]))
    next(stopped)
    stopped.close()  # type: ignore[attr-defined]
    assert files(tmp_path) == []


def test_of_each_resource_the_state_that_was_read_last_comes_back(tmp_path: Path) -> None:
    keep(tmp_path, resource(1, 1, gender="male"), resource(2, 1))
    keep(tmp_path, resource(1, 2), resource(1, 3, gender="female"))
    found = everything(tmp_path)
    assert {(record.key, record.version) for record in found} == {
        ("Patient/p1", "2026-01-03T00:00:00.000000Z"),
        ("Patient/p2", "2026-01-01T00:00:00.000000Z"),
    }
    assert len(found) == 2


def test_a_resource_without_a_date_counts_as_of_when_it_was_read(tmp_path: Path) -> None:
    keep(tmp_path, resource(1, gender="male"))
    keep(tmp_path, resource(1, gender="female"))
    (found,) = everything(tmp_path)
    assert b"female" in found.payload
    stamp = files(tmp_path)[-1].name[:8]
    assert found.version is not None
    assert found.version.replace("-", "").startswith(stamp)


def test_slices_go_by_file_and_cover_all_of_them_also_those_that_come_later(tmp_path: Path) -> None:
    for day in range(1, 7):
        keep(tmp_path, *(resource(number, day) for number in range(10 * day, 10 * day + 10)))
    keep(tmp_path, resource(1, resource_type="Claim"))
    folder = KeptFolder(tmp_path)
    batches = folder.plan({"Patient", "Claim", "Group"}, 25)
    assert [(batch.index, batch.planned_records, batch.estimated) for batch in batches] == [
        (0, 1, True),
        (1, 20, True),
        (2, 20, True),
        (3, 20, True),
    ]
    keep(tmp_path, resource(999))
    parts = [batch.part for batch in batches if isinstance(batch.part, NamedSlice)]
    keys = [record.key for part in parts[1:] for record in folder.read(part)]
    assert sorted(keys) == sorted({*(f"Patient/p{number}" for number in range(10, 70)), "Patient/p999"})
    assert len(folder.plan({"Patient"}, 1, most=3)) <= 3


def test_a_broken_file_is_fatal_and_named(tmp_path: Path) -> None:
    keep(tmp_path, resource(1))
    (file,) = files(tmp_path)
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(FatalError, match=rf"{file.name} cannot be read \(EOFError\): remove it"):
        everything(tmp_path)


def test_a_folder_that_is_not_there_is_named_by_its_setting(tmp_path: Path) -> None:
    for folder in (None, tmp_path / "no"):
        with pytest.raises(SettingsError, match="kept_folder must be the absolute path"):
            KeptFolder(folder)


def test_a_file_removed_between_listing_and_reading_is_a_changed_source(tmp_path: Path) -> None:
    keep(tmp_path, resource(1))
    keep(tmp_path, resource(2))
    reading = KeptFolder(tmp_path).read(NamedSlice("kept Patient", None, None))
    next(reading)
    files(tmp_path)[0].unlink()
    with pytest.raises(SourceChanged, match="was removed from kept_folder"):
        next(reading)
