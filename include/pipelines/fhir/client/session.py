"""Requests with credentials and patience."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import httpx2

from include.connections.http.addresses import parsed
from include.connections.http.clock import Clock
from include.connections.http.exchange import PASSING, Request, ServerFault, TurnedAway
from include.connections.http.retry_after import retry_after_s
from include.engine.errors import FatalError, TransientError
from include.engine.retry import RetryPolicy
from include.pipelines.fhir.client.credentials import Credentials
from include.pipelines.fhir.client.exchange import FHIR_JSON, FhirAnswer
from include.pipelines.fhir.client.settings import FhirSettings
from include.pipelines.fhir.client.transport import Transport

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Session:
    """What every interaction needs. Thread-safe."""

    settings: FhirSettings
    transport: Transport
    credentials: Credentials
    clock: Clock
    policy: RetryPolicy

    def get(self, url: httpx2.URL | str, *, accept: str = FHIR_JSON, prefer: str | None = None) -> Request:
        """A GET with the bounds of a page; a text is a path below the base (`Patient?_count=10`)."""
        return self.request("GET", url, {"Accept": accept, **({"Prefer": prefer} if prefer else {})})

    def request(
        self, method: str, url: httpx2.URL | str, headers: dict[str, str], content: bytes | None = None
    ) -> Request:
        """As `get`, for any method."""
        if isinstance(url, str):
            url = parsed(f"{self.settings.base_url}/{url}", "base_url")
        return Request(
            method=method,
            url=url,
            headers=headers,
            content=content,
            max_bytes=self.settings.max_page_bytes,
            timeout_s=self.settings.exchange_timeout_s,
        )

    def once(self, request: Request, into: Callable[[bytes], object] | None = None) -> FhirAnswer:
        """One try: an answer that is final, good or bad.

        A token that the server refuses is renewed once. Raises `TransientError` for what may pass (429, 5xx, a broken
        connection), `FatalError` for 401.
        """
        answer = self.transport.exchange(request, self.credentials, self.clock, into)
        if answer.status == 401 and answer.authorization and self.credentials.refused(answer.authorization):
            answer = self.transport.exchange(request, self.credentials, self.clock, into)
        asked = retry_after_s(answer.headers, self.clock.now())
        if answer.status == 429:
            raise TurnedAway(answer.complaint, asked)
        if answer.status in PASSING:
            raise ServerFault(answer.complaint, asked, answer.status)
        if answer.status == 401 and not request.anonymous:
            raise FatalError(f"{answer.complaint}: {self._why_unknown(answer)}")
        return answer

    def tried(self, attempt: Callable[[], T]) -> T:
        """Call `attempt` until it raises no `TransientError`, within the settings' tries and time."""

        def logged() -> T:
            try:
                return attempt()
            except TransientError as error:
                log.info("%s", error.message)
                raise

        try:
            return logged()
        except TransientError as error:
            first = error
        return self.policy.again(logged, first, self.clock.pause)

    def _why_unknown(self, answer: FhirAnswer) -> str:
        if answer.authorization:
            return f"the server refuses the connection's {self.settings.auth.kind} credentials"
        if not self.transport.trusts(answer.url):
            where = f"{answer.url.scheme}://{answer.url.netloc.decode('ascii')}"
            return f"{where} gets no credentials, since it is another origin: name it in trusted_origins if it is yours"
        return "the server wants credentials and the connection has none"
