"""SMART Backend Services: tokens of some minutes for signed assertions (`private_key_jwt`, RFC 7523)."""

from __future__ import annotations

import logging
import re
import threading
import uuid
from dataclasses import dataclass, replace
from urllib.parse import urlencode

import httpx2
import jwt

from include.connections.http.addresses import LOOPBACK, parsed
from include.engine.errors import FatalError, HeadraceError, TransientError
from include.pipelines.fhir.client.auth_settings import SmartBackendAuth
from include.pipelines.fhir.client.bundle import body_object
from include.pipelines.fhir.client.exchange import FhirAnswer
from include.pipelines.fhir.client.session import Session

log = logging.getLogger(__name__)

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_S = 240
"""Life of an assertion; five minutes is the most that is allowed, and clocks differ."""
DEFAULT_TOKEN_S = 300
"""Where the server does not say how long a token lives."""
EARLY_S = 60.0
EARLY_SHARE = 0.2
"""A token is renewed this long before its end, or this share of its life where that is shorter."""

_OAUTH_ERRORS = frozenset(
    {
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
    }
)
"""RFC 6749, 5.2."""


@dataclass(frozen=True, slots=True)
class _Token:
    header: str
    renew_at: float
    """By the clock's monotonic time."""


class SmartCredentials:
    """Holds one token for all threads; whoever finds it old renews it while the others wait. Thread-safe.

    When that fails, those who waited for it fail with it, instead of asking one after the other.
    """

    def __init__(self, auth: SmartBackendAuth, session: Session) -> None:
        """`session` asks without credentials."""
        self._auth = auth
        self._session = session
        self._lock = threading.Lock()
        self._token: _Token | None = None
        self._endpoint: httpx2.URL | None = None
        self._failures = 0
        self._failure: HeadraceError | None = None

    def authorization(self) -> str:
        """A token that lives for some time yet. Raises `FatalError` where the server gives none."""
        failures = self._failures
        if token := self._good():
            return token.header
        with self._lock:
            if token := self._good():
                return token.header
            if self._failure is not None and self._failures > failures:
                raise _same(self._failure)
            try:
                self._token = token = self._session.tried(self._fetch)
            except HeadraceError as error:
                self._failures, self._failure = self._failures + 1, error
                raise
            return token.header

    def refused(self, authorization: str) -> bool:
        """Forget that token, unless another thread has renewed it by now."""
        with self._lock:
            if self._token is not None and self._token.header == authorization:
                self._token = None
        return True

    def _good(self) -> _Token | None:
        token = self._token
        return token if token is not None and self._session.clock.monotonic() < token.renew_at else None

    def _fetch(self) -> _Token:
        endpoint = self._endpoint = self._endpoint or self._discovered()
        form = {
            "grant_type": "client_credentials",
            "scope": self._auth.scope,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._assertion(str(endpoint)),
        }
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        request = self._session.request("POST", endpoint, headers, urlencode(form).encode())
        asked_at = self._session.clock.monotonic()
        answer = self._session.once(replace(request, anonymous=True, max_bytes=1024 * 1024))
        if answer.status != 200:
            raise FatalError(f"{answer.label}: {answer.status}{_oauth_error(answer)}: the server gives no token")
        return _token(answer, asked_at)

    def _assertion(self, audience: str) -> str:
        now = int(self._session.clock.now().timestamp())
        claims = {
            "iss": self._auth.client_id,
            "sub": self._auth.client_id,
            "aud": audience,
            "iat": now,
            "exp": now + ASSERTION_S,
            "jti": str(uuid.uuid4()),  # a server takes each assertion once: every try has its own
        }
        headers = {"kid": self._auth.key_id} if self._auth.key_id else None
        return jwt.encode(claims, self._auth.private_key.get_secret_value(), self._auth.algorithm, headers=headers)

    def _discovered(self) -> httpx2.URL:
        if self._auth.token_url:
            url = parsed(self._auth.token_url, "token_url")
        else:
            request = self._session.get(".well-known/smart-configuration", accept="application/json")
            answer = self._session.once(replace(request, anonymous=True))
            place = body_object(answer).get("token_endpoint") if answer.status == 200 else None
            if not isinstance(place, str):
                raise FatalError(f"{answer.label}: {answer.status}, and no token_endpoint: give token_url")
            url = parsed(place, f"{answer.label}: its token_endpoint")
        if url.scheme == "http" and url.host not in LOOPBACK and not self._session.settings.allow_http:
            raise FatalError(f"the token endpoint on {url.host} is http: tokens would travel in the clear")
        return url


def _token(answer: FhirAnswer, asked_at: float) -> _Token:
    words = body_object(answer)
    text, kind = words.get("access_token"), words.get("token_type")
    if not isinstance(text, str) or not text.isascii() or not text.isprintable() or str(kind).lower() != "bearer":
        raise FatalError(f"{answer.label}: the answer holds no bearer token")
    given = str(words.get("expires_in"))
    life_s = float(given) if re.fullmatch(r"\d{1,9}", given) else DEFAULT_TOKEN_S
    log.info("a token for %.0f s was given", life_s)
    return _Token(f"Bearer {text}", asked_at + life_s - min(EARLY_S, EARLY_SHARE * life_s))


def _oauth_error(answer: FhirAnswer) -> str:
    """The error's code where it is one of the standard's; its description is free text."""
    error = body_object(answer).get("error") if answer.is_json else None
    return f" ({error})" if isinstance(error, str) and error in _OAUTH_ERRORS else ""


def _same(error: HeadraceError) -> HeadraceError:
    """One exception object must not be raised in two threads: each adds to its traceback."""
    if isinstance(error, TransientError):
        return TransientError(error.message, error.retry_after_s)
    return type(error)(*error.args)
