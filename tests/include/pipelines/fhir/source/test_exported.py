from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from include.engine.errors import FatalError, SettingsError, SourceChanged
from include.engine.model import Batch, NamedSlice, Record
from include.pipelines.fhir.client.client import FHIRClient
from include.pipelines.fhir.client.export.request import ExportRequest
from include.pipelines.fhir.client.export.result import MAX_LINE_BYTES
from include.pipelines.fhir.client.settings import FhirSettings
from include.pipelines.fhir.source.exported import Exported
from include.pipelines.fhir.source.resources import ResourceSource
from include.pipelines.fhir.source.searched import Searched
from tests.fixtures.clocks import QuickClock
from tests.fixtures.loopback import loopback
from tests.include.pipelines.fhir.client.export.bulk_server import BulkServer, lines, patient_lines

REQUEST = ExportRequest(types=("Patient",))
TIME = "2026-03-01T12:00:00.000000Z"


def deletions(*urls: str, method: str = "DELETE") -> bytes:
    entries = [{"request": {"method": method, "url": url}} for url in urls]
    return lines({"resourceType": "Bundle", "type": "transaction", "entry": entries})


@pytest.fixture
def bulk() -> Iterator[BulkServer]:
    handle = BulkServer()
    with loopback(handle) as server:
        handle.server = server
        yield handle


@pytest.fixture
def connect(bulk: BulkServer) -> Callable[[], FHIRClient]:
    return lambda: FHIRClient(FhirSettings(base_url=bulk.base), clock=QuickClock())


def records(exported: Exported, batches: list[Batch]) -> list[Record]:
    def nobody() -> Any:
        raise AssertionError("the server is not asked")

    source = ResourceSource(Searched(nobody, {}), lambda: exported, nobody, nobody, keeps=False)
    return [record for batch in batches for record in source.read(batch)]


def test_an_export_becomes_slices_of_its_files_and_one_of_its_deletions(
    bulk: BulkServer, connect: Callable[[], FHIRClient], tmp_path: Path
) -> None:
    bulk.files = {
        "a": ("output", "Patient", patient_lines(30)),
        "b": ("output", "Patient", patient_lines(5, 30)),
        "c": ("deleted", "Bundle", deletions("Patient/77", "Patient/78") + deletions("Patient/79")),
    }
    exported = Exported(tmp_path)
    export = exported.fetch(connect, REQUEST, "run")
    batches = exported.plan(export, "run", 10)
    assert [batch.index for batch in batches] == list(range(len(batches)))
    assert sum(batch.planned_records for batch in batches) == 38
    assert (batches[-1].planned_records, batches[-1].estimated) == (3, False)

    found = records(exported, batches)
    assert sorted(str(record.key) for record in found if record.payload) == sorted(f"Patient/{n}" for n in range(35))
    assert [record.key for record in found if record.payload is None] == ["Patient/77", "Patient/78", "Patient/79"]
    assert {record.version for record in found} == {TIME}, "what has no date was so at the time of the export"


def test_a_line_that_is_too_long_costs_one_record(
    bulk: BulkServer, connect: Callable[[], FHIRClient], tmp_path: Path
) -> None:
    one, two, three = patient_lines(3).splitlines(keepends=True)
    long = b'{"resourceType":"Patient","id":"Zyxwvut","name":"' + b"x" * MAX_LINE_BYTES + b'"}\n'
    bulk.files = {"a": ("output", "Patient", one + two + long + three)}
    exported = Exported(tmp_path)
    export = exported.fetch(connect, REQUEST, "run")
    found = records(exported, exported.plan(export, "run", 1))
    assert [record.key for record in found if record.fault is None] == ["Patient/0", "Patient/1", "Patient/2"]
    (fault,) = [record.fault for record in found if record.fault]
    assert fault.code == "fhir.unreadable"
    assert "67,108,916 bytes is too long" in fault.message


def test_what_an_export_calls_deleted_and_holds_is_left_to_the_server(
    bulk: BulkServer, connect: Callable[[], FHIRClient], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bulk.files = {
        "a": ("output", "Patient", patient_lines(5)),
        "c": ("deleted", "Bundle", deletions("Patient/3", "Patient/4", "Patient/77")),
    }
    exported = Exported(tmp_path)
    *_, last = exported.plan(exported.fetch(connect, REQUEST, "run"), "run", 10)
    assert isinstance(last.part, NamedSlice)
    deleted, doubtful = exported.deletions(last.part)
    assert [record.key for record in deleted] == ["Patient/77"]
    assert doubtful == {"Patient/3", "Patient/4"}
    assert "the export holds 2 resources that it calls deleted" in caplog.text


def test_a_retry_goes_on_with_the_same_export(
    bulk: BulkServer, connect: Callable[[], FHIRClient], tmp_path: Path
) -> None:
    bulk.files = {"a": ("output", "Patient", patient_lines(3))}
    first = Exported(tmp_path).fetch(connect, REQUEST, "run")
    assert Exported(tmp_path).fetch(connect, REQUEST, "run") == first
    assert bulk.jobs == 1


def test_files_of_deletions_that_hold_something_else_stop_the_plan(
    bulk: BulkServer, connect: Callable[[], FHIRClient], tmp_path: Path
) -> None:
    bulk.files = {"c": ("deleted", "Bundle", deletions("Patient/77", method="PUT"))}
    exported = Exported(tmp_path)
    export = exported.fetch(connect, REQUEST, "run")
    with pytest.raises(FatalError, match="entry 1 is no DELETE"):
        exported.plan(export, "run", 10)


def test_an_export_that_is_gone_or_unfinished_is_a_changed_source(tmp_path: Path) -> None:
    part = NamedSlice("export run", None, None)
    with pytest.raises(SourceChanged, match="is gone or not complete"):
        Exported(tmp_path).read(part)
    (tmp_path / "export-run").mkdir()
    (tmp_path / "export-run" / "export.json").write_text(json.dumps({"fingerprint": "x"}))
    with pytest.raises(SourceChanged, match="is gone or not complete"):
        Exported(tmp_path).read(part)


def test_a_server_that_has_to_be_searched_is_told_of_its_deletions(
    bulk: BulkServer, connect: Callable[[], FHIRClient], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "export-run").mkdir()
    with connect() as client:
        fingerprint = REQUEST.fingerprint(client.base_url)
    state = {"fingerprint": fingerprint, "searched": True, "transaction_time": TIME, "finished": True}
    (tmp_path / "export-run" / "export.json").write_text(json.dumps(state))
    Exported(tmp_path).fetch(connect, REQUEST, "run")
    assert "what it deleted stays in the tables" in caplog.text


def test_old_exports_are_removed_and_nothing_else(tmp_path: Path) -> None:
    for name in ("export-old", "export-young", "export-mine", "other-old"):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (0, 0) if name != "export-young" else (90_000, 90_000))
    Exported(tmp_path).sweep({"mine"}, 1.0, now_s=100_000)
    assert {path.name for path in tmp_path.iterdir()} == {"export-young", "export-mine", "other-old"}


def test_a_folder_that_is_not_there_is_named_by_its_setting(tmp_path: Path) -> None:
    for folder in (None, tmp_path / "no"):
        with pytest.raises(SettingsError, match="work_folder must be the absolute path"):
            Exported(folder)
