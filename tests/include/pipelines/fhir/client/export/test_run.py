from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from include.engine.errors import BatchStopped, FatalError, SettingsError, TransientError
from include.pipelines.fhir.client.client import FHIRClient
from include.pipelines.fhir.client.export.request import ExportRequest
from include.pipelines.fhir.client.export.result import Export, ExportFile
from include.pipelines.fhir.client.settings import FhirSettings
from tests.fixtures.airflow_server import ROOT, wait_for
from tests.fixtures.clocks import QuickClock
from tests.fixtures.fhir_faults import busy, cut, fault_proxy, reset
from tests.fixtures.loopback import Received, Reply, fhir, outcome
from tests.include.pipelines.fhir.client.conftest import PATIENTS, Serve
from tests.include.pipelines.fhir.client.export.bulk_server import TIME, BulkServer, lines, patient_lines

Connect = Callable[..., FHIRClient]
ALL = ExportRequest()
SOME = ExportRequest(types=("Patient", "Organization"))


def ids(*files: ExportFile) -> list[str]:
    return [json.loads(line)["id"] for file in files for line in file.read()]


def test_a_real_export_brings_every_resource_and_its_job_is_deleted(
    real_server: str, connect: Connect, tmp_path: Path
) -> None:
    with fault_proxy(real_server) as proxy:
        export = connect(proxy.base).export(SOME, tmp_path / "export")
        assert proxy.server is not None
        deletes = [request.path for request in proxy.server.received if request.method == "DELETE"]
        kick_off = proxy.server.received[0]
    assert {file.resource_type: file.lines for file in export.output} == {"Patient": PATIENTS, "Organization": 1}
    patients = next(file for file in export.output if file.resource_type == "Patient")
    assert len(set(ids(patients))) == PATIENTS
    assert not export.searched
    assert (datetime.now(UTC) - export.transaction_time).total_seconds() < 300
    assert len(deletes) == 1
    assert kick_off.target.startswith("/fhir/$export?")
    assert kick_off.headers["prefer"] == "respond-async"


def test_a_real_export_obeys_filters_and_since(real_server: str, connect: Connect, tmp_path: Path) -> None:
    client = connect(real_server)
    males = ExportRequest(types=("Patient",), type_filters=("Patient?gender=male",))
    assert [file.lines for file in client.export(males, tmp_path / "males").output] == [500]
    later = ExportRequest(types=("Patient",), since=datetime(2100, 1, 1, tzinfo=UTC))
    assert client.export(later, tmp_path / "later").output == ()


def test_through_faults_every_resource_arrives(real_server: str, connect: Connect, tmp_path: Path) -> None:
    with fault_proxy(real_server) as proxy:
        proxy.fail(busy(429, "1"), reset, None, busy(503), cut, None)
        client = connect(proxy.base, parallel_downloads=1)
        assert proxy.server is not None

        def cut_first_file(request: Received) -> Reply:
            files = [one for one in proxy.server.received if "bulk-files" in one.path] if proxy.server else []
            reply = proxy(request)
            return cut(request, reply) if "bulk-files" in request.path and len(files) == 1 else reply

        proxy.server.handle = cut_first_file
        export = client.export(SOME, tmp_path / "export")
    assert sum(file.lines for file in export.output) == PATIENTS + 1


def test_a_server_without_export_is_searched_instead(real_server: str, connect: Connect, tmp_path: Path) -> None:
    request = ExportRequest(
        types=("Patient", "Organization"), type_filters=("Patient?gender=male", "Patient?organization=Organization/o1")
    )
    with fault_proxy(real_server) as proxy:
        assert proxy.server is not None
        proxy.server.handle = lambda one: outcome(404, code="not-found") if "$export" in one.path else proxy(one)
        export = connect(proxy.base).export(request, tmp_path / "export")
        again = connect(proxy.base).export(request, tmp_path / "export")
    assert export.searched
    patients, organizations = export.output
    found = ids(patients)
    assert len(found) == len(set(found)) == patients.lines == 500
    assert ids(organizations) == ["o1"]
    assert abs((datetime.now(UTC) - export.transaction_time).total_seconds()) < 300
    assert again == export


@pytest.mark.parametrize(
    ("request_", "told"),
    [(ALL, "name them in the request"), (ExportRequest(types=("Patient",), group_id="g"), "a group's members")],
)
def test_what_searches_cannot_do_is_an_error(
    bulk: BulkServer, connect: Connect, tmp_path: Path, request_: ExportRequest, told: str
) -> None:
    bulk.kick_off = lambda _: outcome(404)
    with pytest.raises(FatalError, match=told):
        connect(bulk.base).export(request_, tmp_path / "export")


def test_deleted_and_error_files_are_exposed(
    bulk: BulkServer, connect: Connect, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    entries = [{"request": {"method": "DELETE", "url": f"Patient/{name}"}} for name in ("a", "b")]
    gone = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    issue = {"severity": "warning", "code": "incomplete", "diagnostics": "Zyxwvut"}
    bulk.files = {
        "1": ("output", "Patient", patient_lines(3)),
        "2": ("deleted", "Bundle", lines(gone)),
        "3": ("error", "OperationOutcome", lines({"resourceType": "OperationOutcome", "issue": [issue]})),
    }
    export = connect(bulk.base).export(ALL, tmp_path / "export")
    assert list(export.deletions()) == [("Patient", "a"), ("Patient", "b")]
    assert export.error_codes() == {"warning/incomplete": 1}
    assert ids(*export.output) == ["0", "1", "2"]
    assert export.transaction_time == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert "export: the server says warning/incomplete" in caplog.text
    assert "Zyxwvut" not in caplog.text


def test_after_an_error_only_what_is_missing_is_fetched_from_the_same_job(
    bulk: BulkServer, connect: Connect, tmp_path: Path
) -> None:
    bulk.files = {str(number): ("output", "Patient", patient_lines(5, 5 * number)) for number in range(4)}
    bulk.send = lambda name, request: Reply(503) if name == "2" else bulk.file(name, request)
    with pytest.raises(TransientError, match=r"GET /fhir/files/2: 503"):
        connect(bulk.base, parallel_downloads=1).export(ALL, tmp_path / "export")
    assert bulk.asked("status", "DELETE") == []
    before = bulk.asked("files")
    bulk.send = bulk.file
    export = connect(bulk.base).export(ALL, tmp_path / "export")
    assert ids(*export.output) == [str(number) for number in range(20)]
    assert bulk.jobs == 1
    assert sorted(bulk.asked("files")[len(before) :]) == ["files/2", "files/3"]
    assert bulk.asked("status", "DELETE") == ["status/1"]


def test_a_finished_export_answers_again_without_the_server(bulk: BulkServer, connect: Connect, tmp_path: Path) -> None:
    bulk.files = {"1": ("output", "Patient", patient_lines(3))}
    export = connect(bulk.base).export(ALL, tmp_path / "export")
    assert bulk.server is not None
    asked = len(bulk.server.received)
    assert connect(bulk.base).export(ALL, tmp_path / "export") == export
    assert len(bulk.server.received) == asked


SLOW_EXPORT = """
import sys
from pathlib import Path
from include.pipelines.fhir.client.client import FHIRClient
from include.pipelines.fhir.client.export.request import ExportRequest
from include.pipelines.fhir.client.settings import FhirSettings
settings = FhirSettings(base_url=sys.argv[1], poll_min_s=0, parallel_downloads=2)
FHIRClient(settings).export(ExportRequest(), Path(sys.argv[2]))
"""


def test_after_a_kill_the_same_call_goes_on(bulk: BulkServer, connect: Connect, tmp_path: Path) -> None:
    bulk.files = {str(number): ("output", "Patient", patient_lines(5, 5 * number)) for number in range(4)}
    over = threading.Event()

    def hang_on_the_last(name: str, request: Received) -> Reply:
        if name == "3":
            over.wait(60)
        return bulk.file(name, request)

    bulk.send = hang_on_the_last
    command = [sys.executable, "-c", SLOW_EXPORT, bulk.base, str(tmp_path / "export")]
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)})
    state = tmp_path / "export/export.json"
    try:
        wait_for(lambda: state.exists() and len(json.loads(state.read_text())["files"]) == 3, 60, "three files", 0.02)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
        over.set()
    before = len(bulk.asked("files"))
    bulk.send = bulk.file
    export = connect(bulk.base).export(ALL, tmp_path / "export")
    assert ids(*export.output) == [str(number) for number in range(20)]
    assert bulk.asked("files")[before:] == ["files/3"]
    assert bulk.jobs == 1
    assert not list((tmp_path / "export").glob("*.part"))


def test_a_job_that_the_server_forgot_starts_again(bulk: BulkServer, connect: Connect, tmp_path: Path) -> None:
    bulk.files = {"1": ("output", "Patient", patient_lines(3)), "2": ("output", "Patient", patient_lines(2, 3))}
    bulk.send = lambda name, request: Reply(503) if name == "2" else bulk.file(name, request)
    with pytest.raises(TransientError):
        connect(bulk.base, parallel_downloads=1).export(ALL, tmp_path / "export")
    bulk.send, bulk.status = bulk.file, iter([outcome(404, code="not-found")])
    bulk.files = {"1": ("output", "Patient", patient_lines(6))}
    export = connect(bulk.base).export(ALL, tmp_path / "export")
    assert ids(*export.output) == ["0", "1", "2", "3", "4", "5"]
    assert bulk.jobs == 2
    assert len(list((tmp_path / "export").glob("*.ndjson"))) == 1


def test_a_job_that_failed_at_the_server_is_deleted_and_the_next_call_starts_another(
    bulk: BulkServer, connect: Connect, tmp_path: Path
) -> None:
    bulk.files = {"1": ("output", "Patient", patient_lines(3))}
    bulk.status = iter([outcome(500, "fatal", "exception")] * 3)
    with pytest.raises(TransientError, match=r"500 \(fatal/exception\): the export failed"):
        connect(bulk.base).export(ALL, tmp_path / "export")
    assert bulk.asked("status", "DELETE") == ["status/1"]
    assert len(ids(*connect(bulk.base).export(ALL, tmp_path / "export").output)) == 3
    assert bulk.jobs == 2


def test_a_folder_belongs_to_one_export(bulk: BulkServer, connect: Connect, tmp_path: Path) -> None:
    bulk.files = {"1": ("output", "Patient", patient_lines(3))}
    connect(bulk.base).export(ALL, tmp_path / "export")
    with pytest.raises(SettingsError, match="holds another export"):
        connect(bulk.base).export(SOME, tmp_path / "export")
    (tmp_path / "export/export.json").write_text("{")
    with pytest.raises(SettingsError, match="holds another export"):
        connect(bulk.base).export(ALL, tmp_path / "export")


def test_files_are_readable_by_their_owner_only(bulk: BulkServer, connect: Connect, tmp_path: Path) -> None:
    bulk.files = {"1": ("output", "Patient", patient_lines(3))}
    export = connect(bulk.base).export(ALL, tmp_path / "export")
    assert (tmp_path / "export").stat().st_mode & 0o077 == 0
    assert export.output[0].path.stat().st_mode & 0o077 == 0


def test_waits_for_the_export_are_as_the_server_asks_and_else_grow(
    bulk: BulkServer, connect: Connect, tmp_path: Path, clock: QuickClock
) -> None:
    asked = [Reply(202, b"", {"Retry-After": "17"}), Reply(202), Reply(202), Reply(202, b"", {"Retry-After": "9999"})]
    bulk.status = iter(asked)
    connect(bulk.base).export(ALL, tmp_path / "export")
    assert clock.slept == [17, 4, 8, 60]


def test_an_export_that_is_not_ready_in_time_goes_on_with_the_next_call(
    bulk: BulkServer, connect: Connect, tmp_path: Path
) -> None:
    bulk.status = iter([Reply(202)] * 100)
    with pytest.raises(TransientError, match="the export is not ready after 100 s"):
        connect(bulk.base, export_wait_s=100).export(ALL, tmp_path / "export")
    assert bulk.asked("status", "DELETE") == []
    bulk.status = iter(())
    connect(bulk.base).export(ALL, tmp_path / "export")
    assert bulk.jobs == 1


def test_looking_too_often_is_no_failure(bulk: BulkServer, connect: Connect, tmp_path: Path) -> None:
    bulk.status = iter([outcome(429, code="throttled", Retry_After="3")] * 20)
    assert connect(bulk.base).export(ALL, tmp_path / "export").output == ()


def test_a_stop_ends_the_wait(bulk: BulkServer, tmp_path: Path) -> None:
    stop = threading.Event()

    def slow(_: Received) -> Reply:
        stop.set()
        return bulk.accepted(_)

    bulk.kick_off, bulk.status = slow, iter([Reply(202, b"", {"Retry-After": "60"})] * 5)
    with FHIRClient(FhirSettings(base_url=bulk.base), stop=stop) as client, pytest.raises(BatchStopped):
        client.export(ALL, tmp_path / "export")


def test_a_manifest_of_many_pages_is_read_whole(
    bulk: BulkServer, serve: Serve, connect: Connect, tmp_path: Path
) -> None:
    bulk.files = {str(number): ("output", "Patient", patient_lines(1, number)) for number in range(3)}

    def paged(request: Received) -> Reply:
        if request.method == "DELETE" or not request.path.startswith("/fhir/status"):
            return bulk(request)
        number = int(request.query.get("page", "0"))
        manifest = {**bulk.manifest(), "output": bulk.manifest()["output"][number : number + 1]}
        return fhir({**manifest, "link": [{"relation": "next", "url": f"?page={number + 1}"}] if number < 2 else []})

    assert bulk.server is not None
    bulk.server.handle = paged
    assert ids(*connect(bulk.base).export(ALL, tmp_path / "export").output) == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        ({"output": []}, "transactionTime is no instant"),
        ({"transactionTime": "2026-01-01", "output": []}, "transactionTime is no instant"),
        ({"transactionTime": TIME}, "manifest's output is no list"),
        ({"transactionTime": TIME, "output": [{"url": "x"}]}, "output file 1 of the manifest has no type or no url"),
        ({"transactionTime": TIME, "output": [{"url": "x", "type": "../../x"}]}, "output file 1"),
        ({"transactionTime": TIME, "output": [], "link": [{"relation": "next", "url": "?"}]}, "pages do not end"),
    ],
)
def test_a_manifest_that_cannot_be_one_is_an_error(
    bulk: BulkServer, connect: Connect, tmp_path: Path, manifest: dict[str, object], told: str
) -> None:
    bulk.status = iter([fhir(manifest)] * 5)
    with pytest.raises(FatalError, match=told):
        connect(bulk.base).export(ALL, tmp_path / "export")
    assert bulk.asked("status", "DELETE") == ["status/1"]


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (fhir({"resourceType": "Bundle"}), "200: the server refuses this export"),
        (Reply(202), "202 without Content-Location"),
        (outcome(400, code="invalid"), r"400 \(error/invalid\): the server refuses this export"),
    ],
)
def test_a_kick_off_that_is_refused_is_an_error(
    serve: Serve, connect: Connect, tmp_path: Path, reply: Reply, told: str
) -> None:
    operation = {"name": "patient-export", "definition": "urn:x"}
    statement = {"resourceType": "CapabilityStatement", "rest": [{"resource": [{"operation": [operation]}]}]}
    server = serve(lambda request: fhir(statement) if request.path.endswith("/metadata") else reply)
    with pytest.raises(FatalError, match=told):
        connect(server.base).export(SOME, tmp_path / "export")


def test_a_server_whose_capabilities_name_no_export_is_searched(serve: Serve, connect: Connect, tmp_path: Path) -> None:
    def answer(request: Received) -> Reply:
        if "$export" in request.path:
            return outcome(400, code="processing")
        if request.path.endswith("/metadata"):
            return fhir({"resourceType": "CapabilityStatement", "rest": [{"operation": []}]})
        return fhir({"resourceType": "Bundle", "type": "searchset", "total": 0})

    export: Export = connect(serve(answer).base).export(SOME, tmp_path / "export")
    assert export.searched
    assert [file.lines for file in export.output] == [0, 0]
