"""What an Airflow connection says about a service, read from its parts as plain values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from include.engine.errors import SettingsError


def extra_words(conn_id: str, extra: str | Mapping[str, Any] | None) -> dict[str, Any]:
    """The extra, which is a JSON object; raises `SettingsError`, which shows nothing of it."""
    if isinstance(extra, str) and extra.strip():
        try:
            extra = json.loads(extra)
        except ValueError:
            extra = "unreadable"  # told below, so that the error's context does not hold the text
    if extra and not isinstance(extra, Mapping):
        raise SettingsError(f"connection {conn_id}: its extra is no JSON object")
    return dict(extra) if isinstance(extra, Mapping) else {}


def base_url(
    conn_id: str, host: str | None, port: int | None, schema: str | None, path: object, *, example: str
) -> str:
    """The host where it is a URL, else one made of the parts; raises `SettingsError`."""
    if not host:
        raise SettingsError(f"connection {conn_id}: give the service's base URL as its host ({example})")
    if "://" in host:
        return host
    if schema not in (None, "", "http", "https"):
        raise SettingsError(f"connection {conn_id}: its schema must be https or http; a path goes into extra.path")
    return f"{schema or 'https'}://{host}{f':{port}' if port else ''}/{str(path).strip('/')}"
