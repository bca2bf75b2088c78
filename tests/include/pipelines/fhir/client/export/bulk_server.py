"""A Bulk Data server whose files and answers a test writes: the real one makes no deleted files and never fails."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from tests.fixtures.loopback import LoopbackServer, Received, Reply, fhir, outcome

TIME = "2026-03-01T12:00:00.000Z"


def lines(*resources: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(resource).encode() + b"\n" for resource in resources)


def patient_lines(count: int, start: int = 0) -> bytes:
    return lines(*({"resourceType": "Patient", "id": str(number)} for number in range(start, start + count)))


class BulkServer:
    """`files` by name: kind, type and content. Every hook may be replaced by a test."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[str, str, bytes]] = {}
        self.time = TIME
        self.needs_token = True
        self.status: Iterator[Reply] = iter(())
        """Answers of the status URL before the manifest."""
        self.kick_off: Callable[[Received], Reply] = self.accepted
        self.send: Callable[[str, Received], Reply] = self.file
        self.files_base: str | None = None
        self.jobs = 0
        self.server: LoopbackServer | None = None

    @property
    def base(self) -> str:
        assert self.server is not None
        return self.server.base

    def __call__(self, request: Received) -> Reply:
        if "$export" in request.path:
            return self.kick_off(request)
        if request.path.startswith("/fhir/status/"):
            return Reply(202) if request.method == "DELETE" else next(self.status, None) or fhir(self.manifest())
        if request.path.startswith("/fhir/files/"):
            return self.send(request.path.rpartition("/")[2], request)
        return outcome(404, code="not-found")

    def accepted(self, _: Received) -> Reply:
        self.jobs += 1
        return Reply(202, b"", {"Content-Location": f"{self.base}/status/{self.jobs}"})

    def manifest(self) -> dict[str, Any]:
        found: dict[str, Any] = {"transactionTime": self.time, "requiresAccessToken": self.needs_token}
        for kind in ("output", "deleted", "error"):
            found[kind] = [
                {"type": resource_type, "url": f"{self.files_base or self.base}/files/{name}"}
                for name, (of, resource_type, _) in self.files.items()
                if of == kind
            ]
        return found

    def file(self, name: str, _: Received) -> Reply:
        return Reply(200, self.files[name][2], {"Content-Type": "application/fhir+ndjson"})

    def asked(self, start: str, method: str = "GET") -> list[str]:
        """Paths below the base that begin so, in the order of asking."""
        assert self.server is not None
        paths = [request.path.removeprefix("/fhir/") for request in self.server.received if request.method == method]
        return [path for path in paths if path.startswith(start)]
