"""The Authorization header of a request."""

from __future__ import annotations

import base64
from typing import Protocol

from include.pipelines.fhir.client.auth_settings import BasicAuth, BearerAuth


class Credentials(Protocol):
    """Asked before every request to a trusted origin. Thread-safe."""

    def authorization(self) -> str | None:
        """The header's value; None sends none. May wait for a token, and raise what that raises."""
        ...

    def refused(self, authorization: str) -> bool:
        """The server answered 401 to this value: True where another one may do better."""
        ...


class FixedCredentials:
    """The same header always."""

    def __init__(self, value: str | None) -> None:
        self._value = value

    def authorization(self) -> str | None:
        """Never waits."""
        return self._value

    def refused(self, authorization: str) -> bool:  # noqa: ARG002 - there is no other value, whichever was refused
        """There is no other."""
        return False


def basic(auth: BasicAuth) -> FixedCredentials:
    """UTF-8, as RFC 7617 advises."""
    pair = f"{auth.username}:{auth.password.get_secret_value()}".encode()
    return FixedCredentials(f"Basic {base64.b64encode(pair).decode()}")


def bearer(auth: BearerAuth) -> FixedCredentials:
    """The token as it stands."""
    return FixedCredentials(f"Bearer {auth.token.get_secret_value()}")
