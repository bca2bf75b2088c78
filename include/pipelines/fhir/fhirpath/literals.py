"""Literals as FHIRPath writes them: quoted text with escapes, and moments."""

from __future__ import annotations

import re

from include.pipelines.fhir.fhirpath.temporals import parse_temporal
from include.pipelines.fhir.fhirpath.tree import At, Literal

_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES = {"f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def unquoted(token: str, start: int = 0) -> str:
    """The name or text without its quotes, if it has any, and with its escapes resolved; from `start` on."""
    text = token[start:]
    if text[:1] not in ("'", "`"):
        return text
    return _ESCAPE.sub(_unescaped, text[1:-1])


def _unescaped(found: re.Match[str]) -> str:
    escape = found[1]
    return chr(int(escape[1:], 16)) if len(escape) > 1 else _ESCAPES.get(escape, escape)


def temporal_literal(at: At) -> Literal:
    """`@2015`, `@2015-02-04T14:34:28Z`, `@T14:34`; raises `ExpressionError` for a moment that no calendar has."""
    text = at.token[1:]
    kind = "time" if text.startswith("T") else "dateTime" if "T" in text else "date"
    value = text.strip("T")
    if parse_temporal(value) is None:
        raise at.error(f"there is no such {kind}")
    return Literal(value, kind, at)
