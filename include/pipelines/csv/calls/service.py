"""A paid service: where it is, what it bears and how patiently it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import httpx2

from include.connections.http.addresses import LOOPBACK, parsed
from include.engine.errors import SettingsError
from include.engine.retry import RetryPolicy
from include.engine.settings import MIB
from include.pipelines.csv.quota.settings import EndpointSettings

PATIENCE = RetryPolicy(tries=6, initial_s=0.5, max_wait_s=20.0, total_s=86_400.0, max_asked_s=120.0)
"""Of one call, where a service does not say otherwise. In time the row's deadline ends it, which stands still while the
row waits for a quota: a bound of its own would end a row that has waited for one between two tries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One of them. Raises `SettingsError` for an address that a key must not be sent to."""

    settings: EndpointSettings
    """Its name, quotas and bounds."""
    base_url: str
    """Such as `https://search.example`; paths of calls are put behind it."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Of every request: the key."""
    allow_http: bool = False
    """Send the key over http, in the clear, to a host that is not this machine."""
    timeout_s: float = 120.0
    """Longest time of one answer, from its sending."""
    max_bytes: int = 4 * MIB
    """Largest answer."""
    ttl: timedelta = timedelta(days=30)
    """An answer that was paid longer ago is asked for again."""
    retry: RetryPolicy = PATIENCE

    def __post_init__(self) -> None:
        url = parsed(self.base_url, f"{self.name}: its base URL")
        if url.scheme == "http" and url.host not in LOOPBACK and self.headers and not self.allow_http:
            raise SettingsError(f"{self.name}: its key would travel in the clear over http: use https, or allow_http")

    @property
    def name(self) -> str:
        """As in the settings."""
        return self.settings.name

    def url(self, path: str) -> httpx2.URL:
        """Of a call."""
        return parsed(f"{self.base_url.rstrip('/')}/{path.lstrip('/')}", f"{self.name}: the URL of a call")
