"""One resource: read, create, delete."""

from __future__ import annotations

import re
from dataclasses import dataclass

from include.connections.http.exchange import NotProcessed
from include.engine.errors import RecordRejected, TransientError
from include.pipelines.fhir.client.bundle import body_object
from include.pipelines.fhir.client.exchange import FHIR_JSON, FhirAnswer
from include.pipelines.fhir.client.json_text import Resource, read_object, write_object
from include.pipelines.fhir.client.search import RESOURCE_TYPE
from include.pipelines.fhir.client.session import Session

RESOURCE_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
"""R4, "id"."""

_LOCATION = re.compile(r"/([A-Z][A-Za-z]{1,63})/([A-Za-z0-9\-.]{1,64})(?:/_history/([A-Za-z0-9\-.]{1,64}))?/?$")


@dataclass(frozen=True, slots=True)
class Created:
    """What a create left at the server."""

    resource_id: str | None
    """None where the server did not say."""
    version: str | None
    existed: bool
    """`if_none_exist` found it: nothing was written."""


def read(session: Session, resource_type: str, resource_id: str) -> Resource:
    """See `FHIRClient.read`."""
    request = session.get(_path(resource_type, resource_id))

    def attempt() -> Resource:
        answer = session.once(request)
        if answer.status != 200:
            raise _rejected(answer)
        found = body_object(answer)
        if found.get("resourceType") != resource_type:
            raise RecordRejected("fhir.other_type", f"{answer.label}: the answer is no {resource_type}")
        return found

    return session.tried(attempt)


def create(session: Session, resource: Resource, if_none_exist: str | None) -> Created:
    """See `FHIRClient.create`."""
    resource_type = resource.get("resourceType")
    if not isinstance(resource_type, str) or not RESOURCE_TYPE.fullmatch(resource_type):
        raise RecordRejected("fhir.resource_type", "resourceType must be a name such as Patient")
    headers = {"Accept": FHIR_JSON, "Content-Type": FHIR_JSON, "Prefer": "return=minimal"}
    if if_none_exist:
        headers["If-None-Exist"] = _header_value(if_none_exist)
    request = session.request("POST", resource_type, headers, _content(resource))

    def attempt() -> Created:
        uncertain: str
        try:
            return _created(session.once(request))
        except NotProcessed:
            raise
        except TransientError as error:
            if if_none_exist:
                raise
            uncertain = error.message
        raise RecordRejected(
            "fhir.create_uncertain",
            f"{uncertain}: the server may have created it, so it is not sent again; give if_none_exist",
        )

    return session.tried(attempt)


def delete(session: Session, resource_type: str, resource_id: str) -> bool:
    """See `FHIRClient.delete`."""
    request = session.request("DELETE", _path(resource_type, resource_id), {"Accept": FHIR_JSON})

    def attempt() -> bool:
        answer = session.once(request)
        if answer.status in (404, 410):
            return False
        if not 200 <= answer.status < 300:
            raise _rejected(answer)
        return True

    return session.tried(attempt)


def _path(resource_type: str, resource_id: str) -> str:
    if not RESOURCE_TYPE.fullmatch(resource_type):
        raise RecordRejected("fhir.resource_type", "the resource type must be a name such as Patient")
    if not RESOURCE_ID.fullmatch(resource_id):
        raise RecordRejected("fhir.id", f"the id of a {resource_type} must be 1 to 64 of A-Z a-z 0-9 - .")
    return f"{resource_type}/{resource_id}"


def _content(resource: Resource) -> bytes:
    try:
        return write_object(resource).encode()
    except (TypeError, ValueError, RecursionError):
        pass  # told below, so that the error's context does not hold the resource
    raise RecordRejected("fhir.not_json", "the resource holds a value that JSON has no form for")


def _header_value(criteria: str) -> str:
    criteria = criteria.removeprefix("?")
    if not criteria.isascii() or not criteria.isprintable():
        raise RecordRejected("fhir.if_none_exist", "if_none_exist must be URL-encoded search parameters")
    return criteria


def _created(answer: FhirAnswer) -> Created:
    if answer.status not in (200, 201, 204):
        raise _rejected(answer)
    place = _LOCATION.search(answer.headers.get("location", "") or answer.headers.get("content-location", ""))
    if place is not None:
        return Created(place[2], place[3], existed=answer.status == 200)
    body = read_object(answer.body) or {}
    found, meta = body.get("id"), body.get("meta")
    version = meta.get("versionId") if isinstance(meta, dict) else None
    known = body.get("resourceType") != "OperationOutcome" and isinstance(found, str)
    return Created(found if known else None, version if known else None, existed=answer.status == 200)


def _rejected(answer: FhirAnswer) -> RecordRejected:
    code = {404: "fhir.not_found", 410: "fhir.deleted"}.get(answer.status, "fhir.refused")
    return RecordRejected(code, answer.complaint)
