"""What an export left in its folder."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from include.engine.errors import FatalError
from include.pipelines.fhir.client.json_text import read_object
from include.pipelines.fhir.client.outcome import outcome_codes

FileKind = Literal["output", "deleted", "error"]

MAX_LINE_BYTES = 64 * 1024 * 1024

_DELETED = re.compile(r"(?:.*/)?([A-Z][A-Za-z]{1,63})/([A-Za-z0-9\-.]{1,64})")


@dataclass(frozen=True, slots=True)
class ExportFile:
    """NDJSON: one resource a line."""

    kind: FileKind
    resource_type: str
    """Of its resources; `Bundle` for deleted, `OperationOutcome` for error files."""
    path: Path
    size: int
    """Bytes."""
    lines: int

    def read(self) -> Iterator[bytes]:
        """Its lines that are not blank, without their ends. Raises `FatalError` for one beyond 64 MB."""
        with self.path.open("rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(MAX_LINE_BYTES + 1), b""), 1):
                if len(line) > MAX_LINE_BYTES:
                    raise FatalError(f"{self.path.name}: line {number} is larger than {MAX_LINE_BYTES:,} bytes")
                if text := line.strip():
                    yield text


@dataclass(frozen=True, slots=True)
class Export:
    """Complete files."""

    transaction_time: datetime
    """By the server's clock, UTC: nothing that changed later needs to be in the files; `since` of the next export."""
    searched: bool
    """The server has no `$export` and was searched: the files hold no deletions."""
    output: tuple[ExportFile, ...]
    deleted: tuple[ExportFile, ...]
    error: tuple[ExportFile, ...]

    def deletions(self) -> Iterator[tuple[str, str]]:
        """Type and id of the resources that were deleted since `since`. Raises `FatalError` for a line that is none."""
        for file in self.deleted:
            for number, line in enumerate(file.read(), 1):
                yield from _deletions(line, f"{file.path.name}, line {number}")

    def error_codes(self) -> Counter[str]:
        """What the server says went wrong or was left out: `severity/code`, counted."""
        codes: Counter[str] = Counter()
        for file in self.error:
            for line in file.read():
                codes.update(outcome_codes(read_object(line) or {}) or {"other/other": 1})
        return codes


def _deletions(line: bytes, place: str) -> Iterator[tuple[str, str]]:
    """Each line is a Bundle of type transaction whose entries' requests are DELETE (Bulk Data Access 2)."""
    entries = (read_object(line) or {}).get("entry")
    if not isinstance(entries, list):
        raise FatalError(f"{place}: no Bundle of deletions")
    for position, entry in enumerate(entries, 1):
        request = entry.get("request") if isinstance(entry, dict) else None
        words = request if isinstance(request, dict) else {}
        found = _DELETED.fullmatch(str(words.get("url")))
        if words.get("method") != "DELETE" or found is None:
            raise FatalError(f"{place}: entry {position} is no DELETE of a type and an id")
        yield found[1], found[2]
