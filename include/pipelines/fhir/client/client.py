"""A FHIR R4 server, as Python calls."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Self

from include.connections.http.clock import Clock
from include.pipelines.fhir.client import instance
from include.pipelines.fhir.client.auth_settings import AuthSettings, BasicAuth, BearerAuth, NoAuth, SmartBackendAuth
from include.pipelines.fhir.client.bundle import Page, SearchEntry
from include.pipelines.fhir.client.credentials import Credentials, FixedCredentials, basic, bearer
from include.pipelines.fhir.client.export.request import ExportRequest
from include.pipelines.fhir.client.export.result import Export
from include.pipelines.fhir.client.export.run import run_export
from include.pipelines.fhir.client.instance import Created
from include.pipelines.fhir.client.json_text import Resource
from include.pipelines.fhir.client.pages import count, first_page
from include.pipelines.fhir.client.search import Search
from include.pipelines.fhir.client.search_all import search_entries
from include.pipelines.fhir.client.session import Session
from include.pipelines.fhir.client.settings import FhirSettings
from include.pipelines.fhir.client.smart import SmartCredentials
from include.pipelines.fhir.client.transport import Transport


class FHIRClient:
    """Asks one server. Thread-safe: make one and share it; it keeps `pool_size` connections at most. A context manager.

    Every call tries again what may pass (a broken connection, a timeout, 429, 5xx, a body that was cut), as the
    settings' tries, waits and times allow, and obeys `Retry-After`. Errors: `TransientError` when patience ended,
    `RecordRejected` when one resource is at fault, `FatalError` when the request, the login or the server's answers
    are, `BatchStopped` soon after `stop` was set (a connection that is silent is left after `read_timeout_s`).
    No error, log line or cause of an error holds a parameter's value or a resource's content.
    """

    def __init__(
        self, settings: FhirSettings, *, stop: threading.Event | None = None, clock: Clock | None = None
    ) -> None:
        self._transport = Transport(settings)
        clock = clock or Clock(stop or threading.Event())
        bare = Session(settings, self._transport, FixedCredentials(None), clock, settings.retry_policy())
        self._session = replace(bare, credentials=_credentials(settings.auth, bare))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def base_url(self) -> str:
        """Of the service."""
        return self._session.settings.base_url

    def close(self) -> None:
        """End the connections. Safe to call twice."""
        self._transport.close()

    def search(self, search: Search) -> Page:
        """The first page."""
        return first_page(self._session, search)

    def search_all(self, search: Search, *, counted: bool = False) -> Iterator[SearchEntry]:
        """Matches and includes of all pages, each resource version once, a page fetched when its first is asked for.

        Raises `TransientError` at the end when fewer matches came than `Bundle.total` (see `on_shortfall`); with
        `counted` the server is asked for a count where its first page has no total.
        """
        return search_entries(self._session, search, counted=counted)

    def count(self, search: Search) -> int | None:
        """How many match (`_summary=count`); None where the server does not say."""
        return count(self._session, search)

    def read(self, resource_type: str, resource_id: str) -> Resource:
        """One resource; raises `RecordRejected` with the code `fhir.not_found`, `fhir.deleted` or `fhir.refused`."""
        return instance.read(self._session, resource_type, resource_id)

    def create(self, resource: Resource, *, if_none_exist: str | None = None) -> Created:
        """A new resource, or the one that `if_none_exist` (`identifier=system|value`) finds.

        Only with `if_none_exist` is a create tried again after a failure that may have come late. Without it such a
        failure raises `RecordRejected("fhir.create_uncertain")`: the server may have the resource.
        """
        return instance.create(self._session, resource, if_none_exist)

    def delete(self, resource_type: str, resource_id: str) -> bool:
        """Delete; False where it was not there (also when an earlier try, whose answer was lost, deleted it)."""
        return instance.delete(self._session, resource_type, resource_id)

    def export(self, request: ExportRequest, folder: Path) -> Export:
        """Bulk Data: have the server write files, wait, download them into `folder`, delete the job.

        `folder` keeps how far it came: the same call after a crash goes on with the same job and the files that are
        missing, and after the end gives the same answer without asking the server. A server without `$export` is
        searched instead, if the request names its types. One process a folder. May take hours.
        """
        return run_export(self._session, request, folder)


def _credentials(auth: AuthSettings, bare: Session) -> Credentials:
    match auth:
        case NoAuth():
            return FixedCredentials(None)
        case BasicAuth():
            return basic(auth)
        case BearerAuth():
            return bearer(auth)
        case SmartBackendAuth():
            return SmartCredentials(auth, bare)
