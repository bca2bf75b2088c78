"""`views unread`: what resources hold that no view reads."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from include.engine.errors import SettingsError
from include.pipelines.fhir.client.export.result import MAX_LINE_BYTES
from include.pipelines.fhir.mapping import Mapping
from include.pipelines.fhir.views.manager import DEFINITIONS
from include.pipelines.fhir.views.resources import read_resource
from include.pipelines.fhir.views.unread import Unread

SOUND, FAULTY, UNCHECKED = 0, 1, 2
"""Exit codes."""


@dataclass(frozen=True, slots=True)
class UnreadRequest:
    """What was asked for."""

    files: tuple[Path, ...]
    folder: Path | None = None
    """Of view definitions, before the package's."""
    views: tuple[str, ...] = ()
    """Their names; none is all."""


@dataclass(slots=True)
class UnreadReport:
    """One call of the command."""

    request: UnreadRequest
    out: TextIO
    """The report: paths and counts, no values."""
    errors: TextIO
    """What could not be read."""
    code: int = field(default=SOUND, init=False)
    _without_view: int = field(default=0, init=False)

    def run(self) -> int:
        """The exit code."""
        folders = [DEFINITIONS] if self.request.folder is None else [self.request.folder, DEFINITIONS]
        try:
            mapping = Mapping(folders, self.request.views)
        except SettingsError as error:
            self._fail(str(error), FAULTY)
            return self.code
        found = {name: Unread(views) for name, views in mapping.by_type.items()}
        for file in self.request.files:
            self._read(file, found)
        for name, unread in found.items():
            if unread.resources:
                self._print(name, ", ".join(view.name for view in mapping.by_type[name]), unread)
        if self._without_view:
            self.out.write(f"{self._without_view:,} resources are of types that no view reads\n")
        return self.code

    def _read(self, file: Path, found: dict[str, Unread]) -> None:
        try:
            for number, line in _lines(file):
                self._note(line, f"{file}, line {number}", found)
        except (OSError, EOFError, zlib.error) as error:
            self._fail(f"{file}: {getattr(error, 'strerror', None) or type(error).__name__}", UNCHECKED)

    def _note(self, line: bytes, place: str, found: dict[str, Unread]) -> None:
        try:
            resource = read_resource(line)
        except ValueError as error:
            self._fail(f"{place}: {error}", UNCHECKED)
            return
        unread = found.get(str(resource.get("resourceType")))
        if unread is None:
            self._without_view += 1
        else:
            unread.note(resource)

    def _print(self, resource_type: str, views: str, unread: Unread) -> None:
        self.out.write(f"{resource_type}: {unread.resources:,} resources, read by {views}\n")
        for path, count in sorted(unread.counts.items(), key=lambda found: (-found[1], found[0])):
            self.out.write(f"  {count:>9,}  {path}\n")
        if not unread.counts:
            self.out.write("  all that they hold is read\n")
        self.out.write("\n")

    def _fail(self, message: str, code: int) -> None:
        self.out.flush()
        self.errors.write(f"error: {message}\n")
        self.code = max(self.code, code)


def _lines(file: Path) -> Iterator[tuple[int, bytes]]:
    """Of NDJSON, compressed or not, with their numbers; a file of one resource may have many lines."""
    with gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb") as stream:
        if file.name.removesuffix(".gz").endswith(".json"):
            yield 1, stream.read(MAX_LINE_BYTES)
            return
        for number, line in enumerate(stream, 1):
            if text := line.strip():
                yield number, text
