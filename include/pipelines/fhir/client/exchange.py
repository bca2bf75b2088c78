"""One request and its answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx2

from include.engine.errors import TransientError
from include.pipelines.fhir.client.addresses import label
from include.pipelines.fhir.client.outcome import body_codes, codes_text

FHIR_JSON = "application/fhir+json"


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

    @property
    def label(self) -> str:
        """Method, path and names of parameters."""
        return label(self.method, self.url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back; the body is empty where it went into a file."""

    label: str
    """Of the request."""
    status: int
    headers: httpx2.Headers = field(repr=False)
    body: bytes = field(repr=False)
    url: httpx2.URL = field(repr=False)
    """Of the last request, after redirects."""
    authorization: str | None = field(repr=False)
    """What was sent to that."""

    @property
    def codes(self) -> Counter[str]:
        """Of the OperationOutcome in it, if any."""
        return body_codes(self.body)

    @property
    def complaint(self) -> str:
        """The request, the status and the issue codes, for an error's message."""
        codes = codes_text(self.codes)
        return f"{self.label}: {self.status}" + (f" ({codes})" if codes else "")

    @property
    def is_json(self) -> bool:
        """By its content type; a proxy's login page is not."""
        return "json" in self.headers.get("content-type", "")
