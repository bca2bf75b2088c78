"""The job of an export at the server: started, waited for, deleted."""

from __future__ import annotations

import logging
from dataclasses import replace

from include.connections.http.addresses import joined, parsed
from include.connections.http.exchange import Request, ServerFault, TurnedAway
from include.connections.http.retry_after import retry_after_s
from include.engine.errors import FatalError, HeadraceError, TransientError
from include.pipelines.fhir.client.bundle import body_object
from include.pipelines.fhir.client.exchange import FHIR_JSON, FhirAnswer
from include.pipelines.fhir.client.export.manifest import Manifest, manifest_of
from include.pipelines.fhir.client.export.request import ExportRequest
from include.pipelines.fhir.client.json_text import Resource
from include.pipelines.fhir.client.session import Session

log = logging.getLogger(__name__)

MAX_MANIFEST_PAGES = 10_000


class JobGone(TransientError):
    """The server does not have this job any more, or it failed there: a new one may succeed."""


def kick_off(session: Session, request: ExportRequest) -> str | None:
    """The job's status URL; None where the server has no such operation."""
    asked = session.get(request.path(), prefer="respond-async")
    answer = session.tried(lambda: session.once(asked))
    if answer.status == 202:
        place = answer.headers.get("content-location")
        if place is None:
            raise FatalError(f"{answer.label}: 202 without Content-Location: there is no way to its files")
        what = f"{answer.label}: its Content-Location"
        return str(joined(place, answer.url, what))
    if _has_no_export(session, answer):
        return None
    raise FatalError(f"{answer.complaint}: the server refuses this export")


def wait_for(session: Session, status_url: str) -> Manifest:
    """The manifest, all its pages in one.

    Looks as often as `Retry-After` says (within `poll_max_s`), for `export_wait_s` at most, then raises
    `TransientError`; the job goes on. Raises `JobGone` where the job failed or is unknown.
    """
    request = session.get(parsed(status_url, "the export's status URL"), accept="application/json")
    answer = _finished(session, request)
    manifest = manifest_of(body_object(answer), answer.label)
    files, seen, link = list(manifest.files), {status_url}, manifest.next_link
    while link is not None:
        url = joined(link, answer.url, f"{request.label}: its next link")
        if str(url) in seen or len(seen) >= MAX_MANIFEST_PAGES:
            raise FatalError(f"{request.label}: the manifest's pages do not end")
        seen.add(str(url))
        answer = _finished(session, replace(request, url=url))
        page = manifest_of(body_object(answer), answer.label)
        files += page.files
        link = page.next_link
    return replace(manifest, files=tuple(files), next_link=None)


def delete_job(session: Session, status_url: str) -> None:
    """Free the server's disk. A failure is logged only: jobs expire."""
    try:
        request = session.request("DELETE", parsed(status_url, "the export's status URL"), {"Accept": FHIR_JSON})
        answer = session.tried(lambda: session.once(request))
    except (FatalError, TransientError) as error:
        log.warning("the export's job was not deleted: %s", error)
        return
    if answer.status >= 300 and answer.status not in (404, 410):
        log.warning("the export's job was not deleted: %s", answer.complaint)


def _finished(session: Session, request: Request) -> FhirAnswer:
    clock, settings = session.clock, session.settings
    started, wait_s = clock.monotonic(), settings.poll_min_s
    while True:
        answer, asked_s = _look(session, request)
        if answer is not None and answer.status == 200:
            return answer
        pause_s = min(wait_s if asked_s is None else asked_s, settings.poll_max_s)
        if clock.monotonic() + pause_s - started > settings.export_wait_s:
            raise TransientError(f"{request.label}: the export is not ready after {settings.export_wait_s:g} s")
        clock.pause(pause_s)
        wait_s = min(max(2 * wait_s, 0.1), settings.poll_max_s)


def _look(session: Session, request: Request) -> tuple[FhirAnswer | None, float | None]:
    """The answer (None: asked too often) and the wait that the server asks for."""
    failed: str
    try:
        answer = session.tried(lambda: session.once(request))
        if answer.status in (200, 202):
            return answer, retry_after_s(answer.headers, session.clock.now())
        if answer.status not in (404, 410):
            raise FatalError(f"{answer.complaint}: the export failed")
        failed = f"{answer.complaint}: the server does not know the job any more"
    except TurnedAway as error:
        return None, error.retry_after_s
    except ServerFault as error:
        if error.status != 500:  # of a proxy, or of a server that is overloaded: the job goes on
            raise
        failed = f"{error.message}: the export failed"
    raise JobGone(failed)


def _has_no_export(session: Session, answer: FhirAnswer) -> bool:
    """By status, by issue code, and where those could mean a wrong parameter, by the capability statement."""
    if answer.status in (404, 405, 501) or any(code.endswith("/not-supported") for code in answer.codes):
        return True
    if answer.status not in (400, 422):
        return False
    try:
        request = session.get("metadata")
        statement = body_object(session.tried(lambda: session.once(request)))
    except HeadraceError as error:
        log.warning("no capability statement: %s", error)
        return False
    return not any(_is_export(operation) for operation in _operations(statement))


def _operations(statement: Resource) -> list[object]:
    found: list[object] = []
    rests = statement.get("rest")
    for rest in rests if isinstance(rests, list) else []:
        if isinstance(rest, dict):
            places = [rest, *(place for place in rest.get("resource") or [] if isinstance(place, dict))]
            found += [operation for place in places for operation in place.get("operation") or []]
    return found


def _is_export(operation: object) -> bool:
    words = operation if isinstance(operation, dict) else {}
    return str(words.get("name")).endswith("export") or str(words.get("definition")).endswith("export")
