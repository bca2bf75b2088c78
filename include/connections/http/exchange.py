"""One request and its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx2

from include.connections.http.addresses import label
from include.engine.errors import TransientError

PASSING = frozenset({408, 425, 500, 502, 503, 504, 507, 509, 520, 521, 522, 523, 524, 529, 598, 599})
"""Statuses after which the same request may succeed; those from 509 on are of proxies. 429 is looked at apart."""


class NotProcessed(TransientError):
    """The server has certainly not acted on the request: it was never sent, or turned away at the door (429)."""


class TurnedAway(NotProcessed):
    """429: too many requests."""


class ServerFault(TransientError):
    """A status of the 5xx kind that may pass, or one like it."""

    def __init__(self, message: str, retry_after_s: float | None = None, status: int = 500) -> None:
        super().__init__(message, retry_after_s)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked for. Neither `repr` nor `label` tells values."""

    method: str
    url: httpx2.URL = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: bytes | None = field(default=None, repr=False)
    max_bytes: int
    """Largest answer, decoded."""
    timeout_s: float
    """Longest time of the whole answer."""
    anonymous: bool = False
    """Send no login or token, whatever the origin; a 401 is an answer then."""

    shown_as: str | None = None
    """Its label, where the path itself may hold values."""

    @property
    def label(self) -> str:
        """Method, path and names of parameters, unless it is `shown_as` something else."""
        return label(self.method, self.url) if self.shown_as is None else self.shown_as


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, whatever its status; the body is empty where it went elsewhere."""

    label: str
    """Of the request."""
    status: int
    headers: httpx2.Headers = field(repr=False)
    body: bytes = field(repr=False)
    url: httpx2.URL = field(repr=False)
    """Of the request that this answers, after redirects."""

    @property
    def is_json(self) -> bool:
        """By its content type; a proxy's login page is not."""
        return "json" in self.headers.get("content-type", "")
