"""Reads a manifest that somebody wrote, entry by entry."""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from pydantic import ValidationError

from include.engine.errors import SettingsError
from include.pipelines.pdf.manifest.listing import Entry, Listing
from include.pipelines.pdf.manifest.model import ManifestDocument, faults_of

MIB = 1024 * 1024

MAX_JSON_BYTES = 64 * MIB
"""Of a manifest that is one JSON object, which is in memory at once; NDJSON has no bound."""
MAX_LINE_BYTES = MIB

LINES = {".ndjson", ".jsonl"}
OBJECT = {".json"}


def is_manifest_name(name: str) -> bool:
    """Whether a path or URI ends as a manifest does; any other is that of a folder of documents."""
    return not name.endswith("/") and PurePosixPath(name).suffix.lower() in LINES | OBJECT


class Manifest(Listing):
    """A file that is JSON, `{"id": …, "documents": [entry, …]}`, or NDJSON, an entry a line.

    NDJSON may begin with a line `{"id": …}`; empty lines are passed over. The name's ending says which of the two it
    is. NDJSON is streamed: memory does not grow with the number of entries.
    """

    def __init__(self, path: Path, name: str | None = None) -> None:
        """`name` is that of the manifest where a copy of it lies at the path.

        Raises `SettingsError` for an ending that says nothing.
        """
        self.path = path
        self.name = name or path.name
        self.label = f"manifest {self.name}"
        self.id = PurePosixPath(self.name).stem
        """What it says itself is known once the entries were read."""
        if not is_manifest_name(self.name):
            raise SettingsError(f"manifest {self.name}: name it .json (one object) or .ndjson (an entry a line)")

    def entries(self) -> Iterator[Entry]:
        """In order, faulty ones too. Raises `SettingsError` when the file as a whole is no manifest."""
        try:
            with self.path.open("rb") as file:
                file.seek(0)  # the name of a descriptor may open it where it stands
                is_lines = PurePosixPath(self.name).suffix.lower() in LINES
                yield from self._lines(file) if is_lines else self._object(file)
        except OSError as error:
            raise SettingsError(f"manifest {self.name} cannot be read: {type(error).__name__}") from None

    def _lines(self, file: BinaryIO) -> Iterator[Entry]:
        number = 0
        while line := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            if number == 1:
                line = line.removeprefix(BOM_UTF8)
            place = f"line {number}"
            if len(line) > MAX_LINE_BYTES:
                while line and not line.endswith(b"\n"):
                    line = file.readline(MAX_LINE_BYTES)
                yield Entry(place, None, (f"is longer than {MAX_LINE_BYTES} bytes",))
            elif (number == 1 and self._is_header(line)) or not line.strip():
                continue
            else:
                yield _entry(place, line)

    def _is_header(self, line: bytes) -> bool:
        try:
            header = json.loads(line)
        except (ValueError, RecursionError):
            return False
        if not isinstance(header, dict) or header.keys() != {"id"}:
            return False
        self.id = str(header["id"])
        return True

    def _object(self, file: BinaryIO) -> Iterator[Entry]:
        text = file.read(MAX_JSON_BYTES + 1)
        if len(text) > MAX_JSON_BYTES:
            raise SettingsError(f"manifest {self.name} has more than {MAX_JSON_BYTES} bytes: write it as .ndjson")
        try:
            manifest: Any = json.loads(text)
        except (ValueError, RecursionError):
            raise SettingsError(f"manifest {self.name} is not JSON") from None
        del text
        if not isinstance(manifest, dict) or not isinstance(manifest.get("documents"), list) or "id" not in manifest:
            raise SettingsError(f"manifest {self.name} must be an object with id and a list documents")
        self.id = str(manifest["id"])
        for index, entry in enumerate(manifest["documents"]):
            yield _entry(f"documents[{index}]", json.dumps(entry).encode())


def _entry(place: str, text: bytes) -> Entry:
    try:
        return Entry(place, ManifestDocument.model_validate_json(text))
    except ValidationError as error:
        return Entry(place, None, tuple(faults_of(error)))
