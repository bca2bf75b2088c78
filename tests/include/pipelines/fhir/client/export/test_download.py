from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from include.engine.errors import FatalError, TransientError
from include.pipelines.fhir.client.client import FHIRClient
from include.pipelines.fhir.client.export.request import ExportRequest
from tests.fixtures.loopback import Received, Reply, outcome
from tests.include.pipelines.fhir.client.conftest import Serve
from tests.include.pipelines.fhir.client.export.bulk_server import BulkServer, patient_lines

Connect = Callable[..., FHIRClient]
ALL = ExportRequest()
LOGIN = {"kind": "bearer", "token": "s3cret"}


def one_file(bulk: BulkServer, content: bytes) -> None:
    bulk.files = {"1": ("output", "Patient", content)}


def test_files_of_another_origin_get_no_token(bulk: BulkServer, serve: Serve, connect: Connect, tmp_path: Path) -> None:
    one_file(bulk, patient_lines(3))
    store = serve(lambda request: bulk.file(request.path.rpartition("/")[2], request))
    bulk.files_base = store.base
    export = connect(bulk.base, auth=LOGIN).export(ALL, tmp_path / "export")
    assert export.output[0].lines == 3
    assert bulk.server is not None
    assert all(request.headers.get("authorization") == "Bearer s3cret" for request in bulk.server.received)
    assert [request.headers.get("authorization") for request in store.received] == [None]


def test_files_that_need_no_token_get_none(bulk: BulkServer, connect: Connect, tmp_path: Path) -> None:
    one_file(bulk, patient_lines(3))
    bulk.needs_token = False
    connect(bulk.base, auth=LOGIN).export(ALL, tmp_path / "export")
    assert bulk.server is not None
    sent = {request.path: request.headers.get("authorization") for request in bulk.server.received}
    assert sent["/fhir/files/1"] is None
    assert sent["/fhir/$export"] == "Bearer s3cret"


@pytest.mark.parametrize("content", [b'{"id": "1"}\n{"id": "2"}', b'{"id": "1"}\n{"id": "2"}\n'])
def test_the_last_lines_end_may_be_missing(bulk: BulkServer, connect: Connect, tmp_path: Path, content: bytes) -> None:
    one_file(bulk, content)
    (file,) = connect(bulk.base).export(ALL, tmp_path / "export").output
    assert (file.lines, file.size) == (2, len(content))
    assert list(file.read()) == [b'{"id": "1"}', b'{"id": "2"}']


def test_a_last_line_that_was_cut_is_fetched_again(bulk: BulkServer, connect: Connect, tmp_path: Path) -> None:
    whole = patient_lines(3)
    one_file(bulk, whole[:-10])
    turns = itertools.count()
    bulk.send = lambda name, _: Reply(200, whole if next(turns) else whole[:-10])
    assert connect(bulk.base).export(ALL, tmp_path / "export").output[0].size == len(whole)
    assert len(bulk.asked("files")) == 2


def test_a_file_short_of_the_manifests_count_is_an_error_or_a_warning(
    bulk: BulkServer, connect: Connect, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one_file(bulk, patient_lines(3))
    manifest = bulk.manifest

    def counted() -> dict[str, Any]:
        found = manifest()
        found["output"][0]["count"] = 4
        return found

    bulk.manifest = counted
    with pytest.raises(TransientError, match="has 3 of the 4 resources of the manifest"):
        connect(bulk.base).export(ALL, tmp_path / "export")
    connect(bulk.base, on_shortfall="warn").export(ALL, tmp_path / "export")
    assert "has 3 of the 4" in caplog.text


def test_a_file_larger_than_the_bound_is_an_error_and_the_export_waits_for_the_fix(
    bulk: BulkServer, connect: Connect, tmp_path: Path
) -> None:
    one_file(bulk, patient_lines(100))
    with pytest.raises(FatalError, match=r"GET /fhir/files/1: the answer is larger than 1,024 bytes"):
        connect(bulk.base, max_file_bytes=1024).export(ALL, tmp_path / "export")
    assert connect(bulk.base).export(ALL, tmp_path / "export").output[0].lines == 100
    assert bulk.jobs == 1


def test_a_page_of_html_in_a_files_place_is_an_error(bulk: BulkServer, connect: Connect, tmp_path: Path) -> None:
    one_file(bulk, b"")
    bulk.send = lambda name, _: Reply(200, b"<html>", {"Content-Type": "text/html"})
    with pytest.raises(FatalError, match="a page of HTML came"):
        connect(bulk.base).export(ALL, tmp_path / "export")


def test_a_signed_url_that_ended_may_be_new_in_the_next_manifest(
    bulk: BulkServer, serve: Serve, connect: Connect, tmp_path: Path
) -> None:
    one_file(bulk, patient_lines(3))
    store = serve(lambda _: Reply(403))
    bulk.files_base = store.base
    with pytest.raises(TransientError, match="look at the export again"):
        connect(bulk.base).export(ALL, tmp_path / "export")
    bulk.files_base = None
    assert connect(bulk.base).export(ALL, tmp_path / "export").output[0].lines == 3
    assert bulk.jobs == 1


def test_a_file_that_the_server_refuses_is_fatal(bulk: BulkServer, connect: Connect, tmp_path: Path) -> None:
    one_file(bulk, patient_lines(3))
    bulk.send = lambda name, _: outcome(403, code="forbidden")
    with pytest.raises(FatalError, match=r"403 \(error/forbidden\): the server refuses a file"):
        connect(bulk.base).export(ALL, tmp_path / "export")


def test_downloads_run_side_by_side_and_no_more_than_told(bulk: BulkServer, connect: Connect, tmp_path: Path) -> None:
    bulk.files = {str(number): ("output", "Patient", patient_lines(1, number)) for number in range(9)}
    together, most, lock = [0], [0], threading.Lock()
    three = threading.Barrier(3)

    def send(name: str, request: Received) -> Reply:
        with lock:
            together[0] += 1
            most[0] = max(most[0], together[0])
        three.wait(10)  # passes only when three are here at once
        with lock:
            together[0] -= 1
        return bulk.file(name, request)

    bulk.send = send
    assert len(connect(bulk.base, parallel_downloads=8, pool_size=3).export(ALL, tmp_path / "export").output) == 9
    assert most[0] == 3


def test_the_first_error_ends_the_other_downloads(bulk: BulkServer, connect: Connect, tmp_path: Path) -> None:
    bulk.files = dict.fromkeys(("bad", "endless", "later"), ("output", "Patient", b""))
    flowing = threading.Event()

    def flow() -> Any:
        for _ in range(1_000_000):
            flowing.set()
            yield b'{"id": "1"}\n'

    def send(name: str, _: Received) -> Reply:
        if name == "endless":
            return Reply(200, flow())
        flowing.wait(10)
        return Reply(404)

    bulk.send = send
    with pytest.raises(TransientError, match=r"files/bad: 404"):
        connect(bulk.base, parallel_downloads=2, tries=1).export(ALL, tmp_path / "export")
    assert "files/later" not in bulk.asked("files")


def test_a_manifest_in_another_order_loses_and_doubles_nothing(
    bulk: BulkServer, connect: Connect, tmp_path: Path
) -> None:
    """The first manifest's files: 0 complete, 1 failed. The second one names them the other way round."""
    names = {"file?id=0": "Patient", "file?id=1": "Patient", "a": "Observation", "b": "Patient"}
    bulk.files = {name: ("output", kind, b"") for name, kind in names.items()}
    content = {"0": patient_lines(2), "1": patient_lines(2, 2), "a": patient_lines(2, 4), "b": patient_lines(2, 6)}
    failing = {"1", "b"}

    def send(name: str, request: Received) -> Reply:
        name = request.query.get("id", name)
        return Reply(503) if name in failing else Reply(200, content[name])

    bulk.send = send
    for pair in (("file?id=0", "file?id=1"), ("a", "b")):
        failing = {"1", "b"}
        bulk.files = {name: ("output", names[name], b"") for name in pair}
        client = connect(bulk.base, parallel_downloads=1, tries=1)
        with pytest.raises(TransientError):
            client.export(ALL, tmp_path / pair[0])
        failing = set()
        bulk.files = {name: ("output", names[name], b"") for name in reversed(pair)}
        export = client.export(ALL, tmp_path / pair[0])
        found = sorted(line for file in export.output for line in file.read())
        wanted = b"".join(content[name.removeprefix("file?id=")] for name in pair).splitlines()
        assert found == sorted(wanted)
        assert len(list((tmp_path / pair[0]).glob("*.ndjson"))) == 2


def test_a_files_name_in_the_folder_is_never_the_servers(bulk: BulkServer, connect: Connect, tmp_path: Path) -> None:
    bulk.files = {"..%2F..%2Fevil?sig=s3cret": ("output", "Patient", b"")}
    bulk.send = lambda name, _: Reply(200, patient_lines(1))
    (file,) = connect(bulk.base).export(ALL, tmp_path / "export").output
    assert file.path.name == "output-000000-Patient.ndjson"
    assert "s3cret" not in (tmp_path / "export/export.json").read_text()
