"""What an Airflow connection says about a paid service: where it is, what it bears, what it costs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from include.connections.http.connection_words import base_url, extra_words
from include.engine.errors import FatalError, SettingsError
from include.pipelines.csv.calls.service import Service
from include.pipelines.csv.quota.settings import EndpointSettings

_KEY_HEADERS = {"search": ("X-API-KEY", "")}
_USUAL_KEY_HEADER = ("Authorization", "Bearer ")
_KEY = re.compile(r"[!-~]+")
"""What a header carries as it is."""
_URL_EXAMPLE = "https://api.example"

Model = TypeVar("Model", bound=BaseModel)


class Terms(BaseModel):
    """What the extra of a connection may say besides the fields of `EndpointSettings` and of the service's step."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True)

    key_header: str | None = Field(default=None, pattern=r"^[A-Za-z0-9-]{1,60}$")
    """Header that carries the password; empty: `X-API-KEY` for `search`, else `Authorization`."""
    key_prefix: str | None = Field(default=None, max_length=20, pattern=r"^[ -~]*$")
    """What stands before the key in it; empty: `Bearer ` in `Authorization`, else nothing."""
    allow_http: bool = False
    timeout_s: float = Field(default=120.0, gt=0, le=150)
    """Longest time of one answer, in seconds."""
    ttl_days: float = Field(default=30.0, gt=0, le=36_500)
    """Days for which an answer is used again."""
    price_per_1000_calls: float | None = Field(default=None, ge=0)
    price_per_million_prompt_tokens: float | None = Field(default=None, ge=0)
    price_per_million_answer_tokens: float | None = Field(default=None, ge=0)
    latency_s: float | None = Field(default=None, gt=0, le=600)
    """Usual time of an answer in seconds, for estimates; empty: 1 for `search`, else 2."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A service and its terms."""

    service: Service
    terms: Terms
    words: Mapping[str, Any]
    """The rest of the extra: fields of the step that asks this service."""

    @property
    def latency_s(self) -> float:
        """Usual time of an answer."""
        return self.terms.latency_s or (1.0 if self.service.name == "search" else 2.0)


def offer_from_connection(
    name: str,
    conn_id: str,
    *,
    host: str | None,
    login: str | None = None,
    password: str | None = None,
    extra: str | Mapping[str, Any] | None = None,
    port: int | None = None,
    schema: str | None = None,
    tasks: int = 1,
    workers: int = 20,
    model: str | None = None,
) -> Offer:
    """The service of that name behind a connection of type `http`: its host is the base URL, its password the key.

    `tasks` share the quotas, and `workers` are the calls that one task may have open unless the extra says otherwise;
    `model` is asked in the place of the extra's.
    Raises `SettingsError` that names each fault, and never a value.
    """
    del login
    words = extra_words(conn_id, extra)
    told = {field: words.pop(field) for field in Terms.model_fields if field in words}
    bounds = {field: words.pop(field) for field in EndpointSettings.model_fields if field in words}
    terms = checked(Terms, told, f"connection {conn_id}: extra")
    given = {
        "concurrency": workers,
        "per_model": model or words.get("model", ""),
        **bounds,
        "name": name,
        "tasks": tasks,
    }
    settings = checked(EndpointSettings, given, f"connection {conn_id}: extra")
    settings.quotas()
    try:
        service = Service(
            settings=settings,
            base_url=base_url(conn_id, host, port, schema, "", example=_URL_EXAMPLE),
            headers=_key(name, terms, password),
            allow_http=terms.allow_http,
            timeout_s=terms.timeout_s,
            ttl=timedelta(days=terms.ttl_days),
        )
    except FatalError as error:
        raise SettingsError(f"connection {conn_id}: {error}") from None
    return Offer(service, terms, words)


def _key(name: str, terms: Terms, password: str | None) -> dict[str, str]:
    if not password:
        return {}
    if not _KEY.fullmatch(password):
        raise SettingsError(
            "its password cannot travel as a key: it has a space, a line break or a character "
            "beyond ASCII; paste the key again, alone"
        )
    header, prefix = _KEY_HEADERS.get(name, _USUAL_KEY_HEADER)
    if terms.key_header is not None:
        header, prefix = terms.key_header, ""
    return {header: f"{prefix if terms.key_prefix is None else terms.key_prefix}{password}"}


def checked(model: type[Model], values: Mapping[str, Any], place: str) -> Model:
    """The model; raises one `SettingsError` that names every fault's place, and no value."""
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        faults = [
            (".".join(map(str, fault["loc"])), "no such field" if fault["type"] == "extra_forbidden" else fault["msg"])
            for fault in error.errors(include_input=False)
        ]
    named = "; ".join(f"{field}: {message}" if field else message for field, message in faults)
    raise SettingsError(f"{place}: {named}")
