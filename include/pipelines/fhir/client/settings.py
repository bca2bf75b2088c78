"""Where a FHIR server is and how patiently it is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, Field, field_validator, model_validator

from include.connections.http.addresses import LOOPBACK, parsed
from include.engine.errors import FatalError
from include.engine.retry import RetryPolicy
from include.engine.settings import MIB
from include.pipelines.fhir.client.auth_settings import STRICT, AuthSettings, NoAuth


class FhirSettings(BaseModel):
    """One server. Times are in seconds, sizes in bytes."""

    model_config = STRICT

    base_url: str
    """Service base, such as `https://fhir.example/r4`."""

    auth: AuthSettings = Field(default_factory=NoAuth)

    trusted_origins: tuple[str, ...] = ()
    """Other origins (`https://files.example`) that may see the login or token, where links or files lead there."""

    allow_http: bool = False
    """Send a login or token over http, in the clear, to a host that is not this machine."""

    ca_file: Path | None = None
    """PEM file of the authorities that sign the server's certificate; empty: those of the system."""

    handling: Literal["strict", "lenient"] = "strict"
    """`strict` asks the server to refuse a search with a parameter that it does not know; else it ignores that
    parameter, says so in an outcome that is logged, and reads more than was asked for."""

    on_shortfall: Literal["fail", "warn"] = "fail"
    """When fewer resources arrive than `Bundle.total` says, or a count where a Bundle has none: end with an error that
    may be tried again, or log it, for a server whose totals are estimates."""

    pool_size: int = Field(default=20, ge=1, le=200)
    """Connections at most; threads beyond that wait for one."""
    connect_timeout_s: float = Field(default=10.0, gt=0, le=600)
    read_timeout_s: float = Field(default=60.0, gt=0, le=3600)
    """Longest silence of the server."""
    pool_timeout_s: float = Field(default=120.0, gt=0, le=3600)
    """Longest wait for a connection of the pool."""
    exchange_timeout_s: float = Field(default=300.0, gt=0, le=86_400)
    """Longest time of one answer, however steadily it drips."""

    tries: int = Field(default=3, ge=1, le=20)
    """Of each request, the first included."""
    retry_min_s: float = Field(default=2.0, ge=0, le=600)
    """Shortest wait before another try; the waits grow exponentially, with jitter."""
    retry_max_s: float = Field(default=10.0, ge=0, le=3600)
    """Longest such wait."""
    retry_after_max_s: float = Field(default=120.0, ge=0, le=86_400)
    """Longest wait that the server may ask for by `Retry-After`; if it asks for more, the next try comes then."""
    retry_total_s: float = Field(default=600.0, ge=0, le=86_400)
    """No try of a request begins later than this after its first failure."""

    page_size: int | None = Field(default=100, ge=1, le=10_000)
    """`_count` of searches that do not name one; empty: the server's own."""
    max_page_bytes: int = Field(default=64 * MIB, ge=1024, le=1024 * MIB)
    """Largest answer but for export files; decoded it takes about five times as much memory."""
    max_pages: int = Field(default=1_000_000, ge=1)
    """Of one search."""

    parallel_downloads: int = Field(default=4, ge=1, le=32)
    """Export files that download at the same time; no more than `pool_size`."""
    max_file_bytes: int = Field(default=20 * 1024 * MIB, ge=1024)
    """Largest export file."""
    file_timeout_s: float = Field(default=4 * 3600.0, gt=0, le=7 * 86_400)
    """Longest download of one export file."""
    export_wait_s: float = Field(default=12 * 3600.0, gt=0, le=14 * 86_400)
    """Longest time that the server may prepare an export."""
    poll_min_s: float = Field(default=2.0, ge=0, le=3600)
    """First wait between looks at an export that names none; the waits grow to `poll_max_s`."""
    poll_max_s: float = Field(default=60.0, ge=0, le=3600)
    """Longest wait between looks at an export; caps `Retry-After` there."""

    @field_validator("base_url")
    @classmethod
    def _is_a_base(cls, url: str) -> str:
        try:
            found = parsed(url, "base_url")
        except FatalError as error:
            raise ValueError(str(error)) from None
        if found.query or found.fragment:
            raise ValueError("base_url must end with the service's path, without ? and #")
        return str(found).rstrip("/")

    @field_validator("trusted_origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            try:
                found = parsed(origin, "a trusted origin")
            except FatalError as error:
                raise ValueError(str(error)) from None
            if found.path not in ("", "/") or found.query:
                raise ValueError("a trusted origin is scheme, host and port only, such as https://files.example:8443")
        return origins

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        clear = [url for url in (self.base_url, *self.trusted_origins) if _in_the_clear(url)]
        if clear and self.auth.kind != "none" and not self.allow_http:
            raise ValueError(
                f"{self.auth.kind} auth would travel in the clear over http: use https, or set allow_http to accept it"
            )
        if self.retry_max_s < self.retry_min_s:
            raise ValueError(f"retry_max_s ({self.retry_max_s:g}) must be at least retry_min_s ({self.retry_min_s:g})")
        return self

    def retry_policy(self) -> RetryPolicy:
        """Waits before try 2, 3, …: from `retry_min_s` up to twice it, four times it, … until `retry_max_s`."""
        return RetryPolicy(
            tries=self.tries,
            initial_s=self.retry_min_s / 2,
            min_wait_s=self.retry_min_s,
            max_wait_s=self.retry_max_s,
            max_asked_s=self.retry_after_max_s,
            total_s=self.retry_total_s,
        )


def _in_the_clear(url: str) -> bool:
    found = parsed(url, "base_url")
    return found.scheme == "http" and found.host not in LOOPBACK
