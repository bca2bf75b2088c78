"""Resources as they arrive: JSON text, the key that a resource has for ever, and its version."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from include.pipelines.fhir.fhirpath.errors import EvaluationError

KEY_COLUMN, VERSION_COLUMN = "resource_key", "resource_version"
HOUSE_COLUMNS = (KEY_COLUMN, VERSION_COLUMN)
"""What every row begins with, whatever its view says."""

MAX_KEY, MAX_VERSION = 130, 64
"""Characters: a type of resource, `/` and an id; an id."""

is_key = re.compile(r"[A-Z][A-Za-z]{1,63}/[A-Za-z0-9.-]{1,64}").fullmatch
"""Whether a text names a resource: `Patient/123`."""

_decode = msgspec.json.Decoder(float_hook=Decimal).decode


def read_resource(data: bytes | str) -> dict[str, Any]:
    """JSON with numbers exactly as they are written: 1.50 keeps its precision, which its boundaries come from.

    Raises `ValueError` for what is no JSON object; it names no value.
    """
    try:
        found = _decode(data)
    except msgspec.DecodeError as error:
        raise ValueError(f"no JSON: {error}") from None
    except UnicodeDecodeError:
        raise ValueError("no JSON: not UTF-8") from None
    except InvalidOperation:
        raise ValueError("no JSON: a number beyond all use") from None
    except RecursionError:
        raise ValueError("no JSON: nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("no JSON object")  # noqa: TRY004 - the data is at fault, not the argument
    return found


def key_from(resource_type: object, resource_id: object) -> str | None:
    """`Patient/123`: no two resources of one server share it. None where there is none of FHIR's form."""
    if not isinstance(resource_type, str) or not isinstance(resource_id, str):
        return None
    key = f"{resource_type}/{resource_id}"
    return key if is_key(key) else None


def key_of(resource: dict[str, Any]) -> str:
    """The key of a resource; raises `EvaluationError` where it has none."""
    key = key_from(resource.get("resourceType"), resource.get("id"))
    if key is None:
        raise EvaluationError("no_id")
    return key


def version_of(resource: dict[str, Any]) -> str | None:
    """`meta.versionId`, which orders nothing: servers are free in it. Raises `EvaluationError` for what is no id."""
    meta = resource.get("meta")
    version = meta.get("versionId") if isinstance(meta, dict) else None
    if version is None or (isinstance(version, str) and 0 < len(version) <= MAX_VERSION):
        return version
    raise EvaluationError("no_id")
