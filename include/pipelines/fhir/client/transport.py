"""Requests over one pool of kept-alive connections: bounded in size and time, credentials to trusted origins only."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import replace
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path

import httpx2

from include.engine.errors import FatalError, SettingsError, TransientError
from include.pipelines.fhir.client.addresses import joined
from include.pipelines.fhir.client.clock import Clock
from include.pipelines.fhir.client.credentials import Credentials
from include.pipelines.fhir.client.exchange import Answer, NotProcessed, Request
from include.pipelines.fhir.client.library_logs import quiet_library_logs
from include.pipelines.fhir.client.settings import FhirSettings

MAX_REDIRECTS = 5
MAX_COMPLAINT_BYTES = 1024 * 1024
"""An error's answer beyond this is not read to its end."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_UNSENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
_OURS = (httpx2.LocalProtocolError, httpx2.UnsupportedProtocol)


class Transport:
    """Sends requests, each once. Thread-safe: all threads share one pool. `close` ends its connections."""

    def __init__(self, settings: FhirSettings) -> None:
        quiet_library_logs()
        self._trusted = {httpx2.URL(url).origin for url in (settings.base_url, *settings.trusted_origins)}
        pool = settings.pool_size
        self._http = httpx2.Client(
            verify=_authorities(settings.ca_file) if settings.ca_file else True,
            timeout=httpx2.Timeout(
                settings.read_timeout_s, connect=settings.connect_timeout_s, pool=settings.pool_timeout_s
            ),
            limits=httpx2.Limits(max_connections=pool, max_keepalive_connections=pool, keepalive_expiry=30.0),
            follow_redirects=False,
            # A cookie goes by host name, to any port of it: it could carry a session to another origin.
            cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
            headers={"User-Agent": "headrace"},
        )

    def close(self) -> None:
        """End the connections. Safe to call twice."""
        self._http.close()

    def trusts(self, url: httpx2.URL) -> bool:
        """Whether credentials may go there."""
        return url.origin in self._trusted

    def exchange(
        self, request: Request, credentials: Credentials, clock: Clock, into: Callable[[bytes], object] | None = None
    ) -> Answer:
        """The answer, whatever its status; the body of a 200 goes to `into` in pieces, where that is given.

        Redirects of a GET are followed. Raises `NotProcessed` where nothing was sent, `TransientError` where the
        connection broke or time ran out, `FatalError` for an answer beyond `max_bytes`, `BatchStopped`.
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
    ) -> Answer:
        clock.check()
        known = self.trusts(request.url) and not request.anonymous
        authorization = credentials.authorization() if known else None
        headers = {**request.headers, **({"Authorization": authorization} if authorization else {})}
        deadline = clock.monotonic() + request.timeout_s
        failure: Exception
        try:
            with self._http.stream(request.method, request.url, headers=headers, content=request.content) as response:
                body = _body(response, request, clock, deadline, into)
                return Answer(
                    label=request.label,
                    status=response.status_code,
                    headers=response.headers,
                    body=body,
                    url=request.url,
                    authorization=authorization,
                )
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            failure = _failure(error, request)
        # Out here, so that neither cause nor context is an error of the library: those hold the URL and the headers.
        raise failure


def _authorities(file: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(file))
    except OSError as error:  # ssl's own errors are of its kind
        reason = type(error).__name__
    raise SettingsError(f"ca_file {file} cannot be read as PEM certificates ({reason})")


def _body(
    response: httpx2.Response, request: Request, clock: Clock, deadline: float, into: Callable[[bytes], object] | None
) -> bytes:
    complaint = response.status_code >= 300
    taken = 0
    body = bytearray()
    take = into if into is not None and response.status_code == 200 else body.extend
    for piece in response.iter_bytes():
        clock.check()
        taken += len(piece)
        if complaint and taken > MAX_COMPLAINT_BYTES:
            return b""
        if taken > request.max_bytes:
            raise FatalError(f"{request.label}: the answer is larger than {request.max_bytes:,} bytes")
        if clock.monotonic() > deadline:
            raise TransientError(f"{request.label}: the answer took longer than {request.timeout_s:g} s")
        take(piece)
    return bytes(body)


def _failure(error: Exception, request: Request) -> Exception:
    name = type(error).__name__
    if isinstance(error, _OURS):
        return FatalError(f"{request.label}: {name}: the request cannot be sent as it is")
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return FatalError(f"{request.label}: the server's certificate is not trusted: name its authority in ca_file")
    if isinstance(error, _UNSENT):
        reason = f": {error}" if isinstance(error, httpx2.ConnectError) else ""  # the operating system's, no more
        return NotProcessed(f"{request.label}: {name}{reason}")
    return TransientError(f"{request.label}: {name}")
