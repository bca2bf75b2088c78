"""Definitions of pipelines as JSON files: what cannot be read says the file and the place in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from include.engine.errors import SettingsError


def read_json_text(path: Path, kind: str, max_bytes: int) -> str:
    """The file's text. `kind` is what the file holds, for messages. Raises `SettingsError`."""
    try:
        data = path.read_bytes()
        text = data[:max_bytes].decode("utf-8-sig")
    except OSError as error:
        raise SettingsError(f"{kind} {path.name}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{kind} {path.name}: not UTF-8 at byte {error.start}") from None
    if len(data) > max_bytes:
        raise SettingsError(f"{kind} {path.name}: more than {max_bytes} bytes")
    return text


def parse_json(text: str, called: str, members: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:  # noqa: ANN401 - any JSON
    """The value, numbers exact; `members` makes objects of their pairs. Raises `SettingsError`, begun by `called`."""
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=members)
    except json.JSONDecodeError as error:
        raise SettingsError(f"{called}: not JSON at line {error.lineno}, column {error.colno}: {error.msg}") from None
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{called}: not JSON: {error}") from None


def _no_constant(constant: str) -> Any:  # noqa: ANN401 - it only raises
    raise ValueError(f"{constant} is no JSON number")
