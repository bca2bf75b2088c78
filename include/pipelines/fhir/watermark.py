"""What a run leaves for the next one: up to when it read, and by which views."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from include.pipelines.fhir.moments import moment_at, version_at
from include.warehouse.tables import MAX_KEY

MARK = 6
"""Characters of a digest, 36 bits: a type whose views changed is taken for unchanged once in 70 billion changes."""

MAX_MARKS = (MAX_KEY - len("2026-01-01T00:00:00.000000Z ")) // MARK
"""The house keeps a watermark in one short text. With more types than this, one digest stands for all of them."""


@dataclass(frozen=True, slots=True)
class Watermark:
    """Kept as `2026-03-01T12:00:00.000000Z` and the digests of the types that were read up to then."""

    moment: datetime
    """By the server's clock."""
    marks: frozenset[str]

    def __str__(self) -> str:
        return f"{version_at(self.moment)} {''.join(sorted(self.marks))}"

    @classmethod
    def parsed(cls, text: str | None) -> Watermark | None:
        """None for none, and for a text that is no watermark of this pipeline."""
        moment, _, marks = (text or "").partition(" ")
        try:
            found = moment_at(moment)
        except ValueError:
            return None
        return cls(found, frozenset(marks[at : at + MARK] for at in range(0, len(marks), MARK)))


def marks_of(meanings: Mapping[str, str]) -> dict[str, str]:
    """A short digest a resource type, from what decides which rows its resources give."""
    if len(meanings) > MAX_MARKS:
        whole = _mark("\n".join(f"{name} {meaning}" for name, meaning in sorted(meanings.items())))
        return dict.fromkeys(meanings, whole)
    return {name: _mark(f"{name} {meaning}") for name, meaning in meanings.items()}


def _mark(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode()[:MARK]
