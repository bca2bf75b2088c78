"""One call to a paid service, as a step asks for it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from include.connections.http.exchange import Answer
from include.engine.errors import TransientError


class MalformedAnswer(TransientError):
    """The service answered, but not with what it promises; the message says what is missing, and no value."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What an answer holds."""

    value: str = field(repr=False)
    """What is kept, and what the step gets now and whenever it asks the same again."""
    tokens: int | None = None
    """That the call used, where the service says so."""


class Together(Protocol):
    """How calls of several rows become one request. Stateless."""

    @property
    def key(self) -> str:
        """Calls with the same key can travel together."""
        ...

    @property
    def most(self) -> int:
        """Calls of one request."""
        ...

    def merged(self, calls: Mapping[str, PaidCall]) -> PaidCall:
        """One request for all, by id; its `read` gives a JSON object of values by id.

        An id without a sound answer is left out of it: that call is then made alone. So it raises no
        `MalformedAnswer`, and gives an empty object where nothing can be used.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidCall:
    """What determines an answer, how to ask for it and how to read it. No value shows in its `repr`."""

    service: str
    """Name of a service of the pipeline."""
    identity: tuple[str, ...] = field(repr=False)
    """Everything that determines the answer: the step's name first, then a normalised domain, or prompt, model and
    settings. Two calls of one identity are one call."""
    read: Callable[[Answer], Reading] = field(repr=False)
    """Of an answer with a 2xx status, or one of `accepts`. Raises `MalformedAnswer` (asked again once), or
    `RecordRejected`. Pure: called in any thread."""
    path: str = field(default="", repr=False)
    """Behind the service's base URL."""
    method: str = "POST"
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    """Sent as JSON."""
    accepts: frozenset[int] = frozenset()
    """Other statuses that are answers, such as 404 of a look-up."""
    together: Together | None = field(default=None, repr=False)
    """Where it may share a request with calls of other rows."""
    tokens: int = 0
    """About how many it may take, question and answer together; more than it will, so that no quota is passed."""

    @property
    def digest(self) -> str:
        """The key of its answer."""
        return hashlib.sha256(json.dumps([self.service, *self.identity]).encode()).hexdigest()


class Calls(Protocol):
    """How a step reaches paid services."""

    def answer(self, call: PaidCall) -> str:
        """The value that was read from the answer: of the store, of another row's call, or of a call made now.

        Raises `RecordRejected`, `TransientError` (what may pass has not passed in time), `FatalError`, `BatchStopped`.
        """
        ...
