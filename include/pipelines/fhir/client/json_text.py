"""Resources as JSON text: decimals keep every digit they were written with (R4, "decimal": precision has meaning)."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

Resource = dict[str, Any]
"""A FHIR resource: JSON's types, with `Decimal` where a number has a fraction or an exponent."""

_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=lambda _: _refuse())


def _refuse() -> None:
    raise ValueError("NaN and Infinity are no JSON")


def read_object(text: bytes | str) -> Resource | None:
    """The object in the text; None where it is no JSON, or something else than an object.

    It raises nothing, since the errors of the parser carry the text that they failed on.
    """
    try:
        value = _DECODER.decode(text if isinstance(text, str) else text.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def write_object(value: object) -> str:
    """JSON text without blanks. Raises `TypeError` for what is no JSON value, naming its type."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(str(name))}:{write_object(part)}" for name, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(write_object, value)) + "]"
    if isinstance(value, Decimal) and value.is_finite():
        return str(value)
    if value is None or isinstance(value, str | bool | int | float):
        return json.dumps(value, allow_nan=False)
    raise TypeError(f"a resource cannot hold a {type(value).__name__}")
