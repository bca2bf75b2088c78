"""What a service says about its limits: `x-ratelimit-*`, as OpenAI, Groq and those that follow them send it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from include.pipelines.csv.quota.settings import Kind

_NUMBER = re.compile(r"\d{1,15}")
_DURATION = re.compile(
    r"(?:(?P<h>\d{1,6})h)?(?:(?P<m>\d{1,6})m(?!s))?(?:(?P<s>\d{1,9}(?:\.\d{1,9})?)s)?(?:(?P<ms>\d{1,9}(?:\.\d{1,9})?)ms)?"
)
_SECONDS = re.compile(r"\d{1,9}(?:\.\d{1,9})?")


@dataclass(frozen=True, slots=True)
class Told:
    """About one kind; None where it says nothing that can be read."""

    limit: int | None
    remaining: int | None
    reset_s: float | None


def told(headers: Mapping[str, str], kind: Kind) -> Told:
    """Of an answer's headers."""
    return Told(
        limit=_number(headers.get(f"x-ratelimit-limit-{kind}", "")),
        remaining=_number(headers.get(f"x-ratelimit-remaining-{kind}", "")),
        reset_s=seconds(headers.get(f"x-ratelimit-reset-{kind}", "")),
    )


def seconds(text: str) -> float | None:
    """`2m59.56s`, `120ms`, `1h0m0s`, or plain seconds."""
    text = text.strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    found = _DURATION.fullmatch(text)
    if not text or found is None:
        return None
    hours, minutes, whole, thousandths = (float(found[name] or 0) for name in ("h", "m", "s", "ms"))
    return hours * 3600 + minutes * 60 + whole + thousandths / 1000


def _number(text: str) -> int | None:
    return int(text) if _NUMBER.fullmatch(text.strip()) else None
