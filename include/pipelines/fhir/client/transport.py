"""Requests of a FHIR server: credentials to trusted origins only, redirects bounded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import httpx2

from include.connections.http.addresses import joined
from include.connections.http.clock import Clock
from include.connections.http.exchange import Request
from include.connections.http.pool import HttpPool, PoolSettings
from include.engine.errors import FatalError
from include.pipelines.fhir.client.credentials import Credentials
from include.pipelines.fhir.client.exchange import FhirAnswer
from include.pipelines.fhir.client.settings import FhirSettings

MAX_REDIRECTS = 5

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Transport:
    """Sends requests, each once. Thread-safe: all threads share one pool. `close` ends its connections."""

    def __init__(self, settings: FhirSettings) -> None:
        self._trusted = {httpx2.URL(url).origin for url in (settings.base_url, *settings.trusted_origins)}
        self._pool = HttpPool(
            PoolSettings(
                connections=settings.pool_size,
                connect_timeout_s=settings.connect_timeout_s,
                read_timeout_s=settings.read_timeout_s,
                pool_timeout_s=settings.pool_timeout_s,
                ca_file=settings.ca_file,
            )
        )

    def close(self) -> None:
        """End the connections. Safe to call twice."""
        self._pool.close()

    def trusts(self, url: httpx2.URL) -> bool:
        """Whether credentials may go there."""
        return url.origin in self._trusted

    def exchange(
        self, request: Request, credentials: Credentials, clock: Clock, into: Callable[[bytes], object] | None = None
    ) -> FhirAnswer:
        """The answer, whatever its status; the body of a 200 goes to `into` in pieces, where that is given.

        Redirects of a GET are followed. Raises as `HttpPool.send` does, and `FatalError` after too many redirects.
        """
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._send(request, credentials, clock, into)
            target = answer.headers.get("location")
            if answer.status not in _REDIRECTS or target is None or request.method != "GET":
                return answer
            request = replace(request, url=joined(target, request.url, f"{request.label}: its redirect"))
        raise FatalError(f"{request.label}: redirected more than {MAX_REDIRECTS} times")

    def _send(
        self, request: Request, credentials: Credentials, clock: Clock, into: Callable[[bytes], object] | None
    ) -> FhirAnswer:
        clock.check()
        known = self.trusts(request.url) and not request.anonymous
        authorization = credentials.authorization() if known else None
        answer = self._pool.send(request, clock, authorization=authorization, into=into)
        return FhirAnswer(
            label=answer.label,
            status=answer.status,
            headers=answer.headers,
            body=answer.body,
            url=answer.url,
            authorization=authorization,
        )
