"""A JSON object of somebody else's making."""

from __future__ import annotations

import json
from typing import Any


def json_object(text: bytes | str) -> dict[str, Any] | None:
    """None where it is no JSON, or something else; errors of the parser would carry the text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
