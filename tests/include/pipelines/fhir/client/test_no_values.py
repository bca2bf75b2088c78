"""Nothing of a patient comes out of the client but in what it returns: not in errors, their causes, logs or state."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from include.engine.errors import HeadraceError
from include.pipelines.fhir.client.client import FHIRClient
from include.pipelines.fhir.client.export.request import ExportRequest
from include.pipelines.fhir.client.search import Search
from tests.fixtures.fhir_faults import PLANTED, Fault, busy, busy_until, closed, cut, cut_quietly, reset, stuck_next
from tests.fixtures.loopback import Received, Reply, fhir, outcome
from tests.include.pipelines.fhir.client.conftest import Serve

Connect = Callable[..., FHIRClient]

PERSON = {"resourceType": "Patient", "id": "1", "name": [{"family": PLANTED}], "birthDate": PLANTED}
LOGIN = {"kind": "bearer", "token": f"token-{PLANTED}"}
PERSONAL = Search(resource_type="Patient", params=[("family", PLANTED)])


def healthy(request: Received) -> Reply:
    if "$export" in request.path:
        return outcome(404, "error", "not-found", PLANTED)
    if request.path.endswith("/Patient") and request.method == "GET":
        link = [{"relation": "next", "url": f"http://{request.headers['host']}/fhir/Patient?after={PLANTED}"}]
        said = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "diagnostics": PLANTED}]}
        bundle = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": PERSON}, {"resource": said}]}
        text = fhir({**bundle, "link": [] if "after" in request.query else link})
        assert isinstance(text.body, bytes)
        return Reply(200, text.body.replace(b'", "', b'","').replace(b'": ', b'":'), text.headers)
    return fhir(PERSON, 201 if request.method == "POST" else 200)


def html(request: Received, reply: Reply) -> Reply:
    return Reply(200, PLANTED.encode(), {"Content-Type": "text/html"})


def no_searchset(request: Received, reply: Reply) -> Reply:
    return fhir({"resourceType": PLANTED, "name": PLANTED})


def odd_codes(request: Received, reply: Reply) -> Reply:
    return outcome(422, PLANTED, PLANTED, PLANTED)


def redirected(request: Received, reply: Reply) -> Reply:
    return Reply(302, b"", {"Location": f"http://{PLANTED}:port/?{PLANTED}"})


def unpacked(request: Received, reply: Reply) -> Reply:
    return Reply(200, PLANTED.encode(), {"Content-Type": "application/fhir+json", "Content-Encoding": "gzip"})


def refused(status: int) -> Fault:
    return lambda request, reply: outcome(status, "error", "invalid", PLANTED, Location=PLANTED, ETag=PLANTED)


FAULTS: dict[str, Fault] = {
    "429": busy(429, PLANTED),
    "429 until": busy_until(5),
    "503": busy(503),
    "reset": reset,
    "closed": closed,
    "cut": cut,
    "cut quietly": cut_quietly,
    "stuck next": lambda request, reply: stuck_next(request, reply) if b'"next"' in reply.body else reply,
    "html": html,
    "no searchset": no_searchset,
    "odd codes": odd_codes,
    "redirected": redirected,
    "not packed": unpacked,
    **{str(status): refused(status) for status in (400, 401, 403, 404, 409, 410, 412, 500, 501)},
}

CALLS: dict[str, Callable[[FHIRClient, Path], object]] = {
    "search": lambda client, _: client.search(PERSONAL),
    "search_all": lambda client, _: list(client.search_all(PERSONAL)),
    "count": lambda client, _: client.count(PERSONAL),
    "read": lambda client, _: client.read("Patient", "1"),
    "create": lambda client, _: client.create(PERSON, if_none_exist=f"family={PLANTED}"),
    "create blindly": lambda client, _: client.create(PERSON),
    "create no JSON": lambda client, _: client.create({**PERSON, "x": {PLANTED}}),
    "delete": lambda client, _: client.delete("Patient", "1"),
    "export": lambda client, folder: client.export(
        ExportRequest(types=("Patient",), type_filters=(f"Patient?family={PLANTED}",)), folder
    ),
}


def texts_of(error: BaseException | None) -> Iterator[str]:
    """The error and all that hangs on it, with the attributes of each, as a logger or a debugger would show them."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        link = waiting.pop()
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        yield "".join(traceback.format_exception_only(link))
        yield repr(vars(link))
        waiting += [link.__cause__, link.__context__]


@pytest.fixture
def every_line(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """All loggers at their loudest, as someone who looks for a fault sets them."""
    caplog.set_level(logging.DEBUG)
    for name in ("httpx2", "httpcore2", "httpcore2.http11", "httpcore2.connection"):
        caplog.set_level(logging.DEBUG, logger=name)
    return lambda: "\n".join(f"{record.getMessage()} {record.exc_text or ''}" for record in caplog.records)


@pytest.mark.parametrize("fault", ["none", *FAULTS])
def test_under_any_fault_no_value_is_in_an_error_or_a_log(
    serve: Serve, connect: Connect, tmp_path: Path, every_line: Callable[[], str], fault: str
) -> None:
    failing = FAULTS.get(fault, lambda request, reply: reply)
    server = serve(lambda request: failing(request, healthy(request)))
    client = connect(server.base, auth=LOGIN)
    raised = []
    for name, call in CALLS.items():
        try:
            call(client, tmp_path / name)
        except HeadraceError as error:
            raised.append(name)
            shown = [text for text in texts_of(error) if PLANTED.lower() in text.lower()]
            assert shown == [], name
    assert any(PLANTED in request.target for request in server.received)
    assert PLANTED.lower() not in every_line().lower()
    assert len(raised) > 1 or fault == "none"
    state = "".join(path.read_text() for path in tmp_path.glob("*/export.json"))
    assert PLANTED not in state


def test_the_librarys_own_lines_would_have_told(serve: Serve, every_line: Callable[[], str]) -> None:
    """The test above is able to fail: these loggers are open, and the library writes whole URLs to them."""
    record: list[Any] = []
    handler = logging.Handler()
    handler.emit = record.append
    open_logger = logging.getLogger("httpx2")
    filters, open_logger.filters = open_logger.filters, []
    open_logger.addHandler(handler)
    try:
        import httpx2  # noqa: PLC0415 - used by this test alone

        httpx2.get(f"{serve(healthy).base}/Patient", params={"family": PLANTED})
    finally:
        open_logger.filters = filters
        open_logger.removeHandler(handler)
    assert any(PLANTED in line.getMessage() for line in record)
