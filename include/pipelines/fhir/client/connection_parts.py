"""Settings from the parts that an Airflow connection has, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from include.connections.http.connection_words import base_url, extra_words
from include.engine.errors import SettingsError
from include.pipelines.fhir.client.settings import FhirSettings

_AUTH_KINDS = ("none", "basic", "bearer", "smart")
_SMART_WORDS = ("algorithm", "key_id", "token_url", "scope")


def settings_from_connection(
    conn_id: str,
    *,
    host: str | None,
    login: str | None = None,
    password: str | None = None,
    extra: str | Mapping[str, Any] | None = None,
    port: int | None = None,
    schema: str | None = None,
) -> FhirSettings:
    """The server behind a connection; raises `SettingsError` that names each fault, and never a value.

    `host` is the service's base URL, or a host beside `port`, `schema` (https or http) and the extra `path`. The extra
    `auth` says how to log in: `none`, `basic` (login and password; also where it is not given and both are), `bearer`
    (the password is the token), `smart` (login is the client's id; the password, or the file that the extra
    `private_key_file` names, is the PEM key; extras `algorithm`, `key_id`, `token_url`, `scope`). Every other extra is
    a field of `FhirSettings`.
    """
    words = extra_words(conn_id, extra)
    auth = words.pop("auth", None) or ("basic" if login and password else "none")
    fields: dict[str, Any] = {"auth": {}}
    fields["base_url"] = base_url(conn_id, host, port, schema, words.pop("path", ""), example="https://fhir.example/r4")
    match auth:
        case "none":
            fields["auth"] = {"kind": "none"}
        case "basic":
            fields["auth"] = {"kind": "basic", "username": login or "", "password": password or ""}
        case "bearer":
            fields["auth"] = {"kind": "bearer", "token": password or ""}
        case "smart":
            given = {word: words.pop(word) for word in _SMART_WORDS if word in words}
            key = _private_key(conn_id, words.pop("private_key_file", None), password)
            fields["auth"] = {"kind": "smart", "client_id": login or "", "private_key": key, **given}
        case _:
            raise SettingsError(f"connection {conn_id}: extra.auth must be one of {', '.join(_AUTH_KINDS)}")
    if both := sorted({"base_url", "auth"} & set(words)):
        raise SettingsError(f"connection {conn_id}: extra.{both[0]} is taken from the host")
    return _validated(conn_id, {**words, **fields})


def _private_key(conn_id: str, file: object, password: str | None) -> str:
    if not file:
        return password or ""
    try:
        return Path(str(file)).read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        reason = type(error).__name__
    raise SettingsError(f"connection {conn_id}: extra.private_key_file cannot be read ({reason})")


def _validated(conn_id: str, fields: Mapping[str, Any]) -> FhirSettings:
    try:
        return FhirSettings.model_validate(fields)
    except ValidationError as error:
        faults = [(".".join(map(str, fault["loc"])), fault["msg"]) for fault in error.errors(include_input=False)]
    named = "; ".join(f"{place}: {message}" if place else message for place, message in faults)
    raise SettingsError(f"connection {conn_id}: {named}")
