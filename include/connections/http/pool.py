"""One pool of kept-alive connections for all threads of a task: bounded in size and time, and silent about values.

httpx2, since httpx collapses at a hundred connections in one pool; `tests/benchmarks/http_clients.py` compares.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from itertools import count
from math import ceil
from pathlib import Path

import httpx2

from include.connections.http.clock import Clock
from include.connections.http.exchange import Answer, NotProcessed, Request
from include.connections.http.library_logs import quiet_library_logs
from include.engine.errors import FatalError, SettingsError, TransientError

SHARD = 8
"""Connections of one client of the library, which looks at all of them, with a system call for each that is idle, at
every request and every answer: with 300 in one client that costs more than the requests."""

MAX_COMPLAINT_BYTES = 1024 * 1024
"""An error's answer beyond this is not read to its end."""

_UNSENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
_OURS = (httpx2.LocalProtocolError, httpx2.UnsupportedProtocol)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSettings:
    """Bounds of one pool. Times are in seconds."""

    connections: int
    """At most; threads beyond that wait for one. Each thread keeps to the same few of them."""
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 60.0
    """Longest silence of the server."""
    pool_timeout_s: float = 120.0
    """Longest wait for a connection of the pool."""
    ca_file: Path | None = None
    """PEM file of the authorities that sign the servers' certificates; None: those of the system."""


class AnswerTooLarge(FatalError):
    """It passed the request's `max_bytes`."""


class HttpPool:
    """Sends requests, each once, and follows no redirect. Thread-safe. `close` ends its connections."""

    def __init__(self, settings: PoolSettings) -> None:
        quiet_library_logs()
        self._settings = settings
        authorities = _authorities(settings.ca_file) if settings.ca_file else httpx2.create_ssl_context()
        shards = ceil(settings.connections / SHARD)
        most = ceil(settings.connections / shards)
        self._clients = [_client(most, authorities) for _ in range(shards)]
        self._mine = threading.local()
        self._turns = count()

    def close(self) -> None:
        """End the connections. Safe to call twice."""
        for client in self._clients:
            client.close()

    def send(
        self,
        request: Request,
        clock: Clock,
        *,
        authorization: str | None = None,
        into: Callable[[bytes], object] | None = None,
    ) -> Answer:
        """The answer, whatever its status; the body of a 200 goes to `into` in pieces, where that is given.

        Raises `NotProcessed` where nothing was sent, `TransientError` where the connection broke or time ran out,
        `AnswerTooLarge`, `FatalError` for a request that can never be sent, `BatchStopped`.
        """
        clock.check()
        headers = {**request.headers, **({"Authorization": authorization} if authorization else {})}
        deadline = clock.monotonic() + request.timeout_s
        failure: Exception
        try:
            with self._client.stream(
                request.method, request.url, headers=headers, content=request.content, timeout=self._timeout(request)
            ) as response:
                body = _body(response, request, clock, deadline, into)
                return Answer(
                    label=request.label,
                    status=response.status_code,
                    headers=response.headers,
                    body=body,
                    url=request.url,
                )
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            failure = _failure(error, request)
        # Out here, so that neither cause nor context is an error of the library: those hold the URL and the headers.
        raise failure

    @property
    def _client(self) -> httpx2.Client:
        """This thread's, always the same: so it finds its connections to all services there."""
        found: httpx2.Client | None = getattr(self._mine, "client", None)
        if found is None:
            found = self._mine.client = self._clients[next(self._turns) % len(self._clients)]
        return found

    def _timeout(self, request: Request) -> httpx2.Timeout:
        told = self._settings
        silence_s = min(told.read_timeout_s, request.timeout_s)
        return httpx2.Timeout(silence_s, connect=told.connect_timeout_s, pool=told.pool_timeout_s)


def _client(most: int, authorities: ssl.SSLContext) -> httpx2.Client:
    return httpx2.Client(
        verify=authorities,
        limits=httpx2.Limits(max_connections=most, max_keepalive_connections=most, keepalive_expiry=30.0),
        follow_redirects=False,
        # A cookie goes by host name, to any port of it: it could carry a session to another origin.
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
        headers={"User-Agent": "headrace"},
    )


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
            raise AnswerTooLarge(f"{request.label}: the answer is larger than {request.max_bytes:,} bytes")
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
