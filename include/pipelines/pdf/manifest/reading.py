"""Reads a manifest entry by entry, and checks the whole of it before anything is planned."""

from __future__ import annotations

import json
import sqlite3
from codecs import BOM_UTF8
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import ValidationError

from include.engine.errors import SettingsError
from include.pipelines.pdf.manifest.model import ManifestDocument, faults_of

MIB = 1024 * 1024

MAX_JSON_BYTES = 64 * MIB
"""Of a manifest that is one JSON object, which is in memory at once; NDJSON has no bound."""
MAX_LINE_BYTES = MIB
MAX_LISTED_FAULTS = 100
"""The rest is counted."""

LINES = {".ndjson", ".jsonl"}
OBJECT = {".json"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a manifest as it stands there."""

    place: str
    """`line 12`, or `documents[11]`."""
    document: ManifestDocument | None
    """None where there are faults."""
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ManifestSummary:
    """What a check found."""

    id: str
    """As the manifest says, or the file's name."""
    documents: int
    bytes: int
    """Sum of what the entries say; those that say nothing count 0."""


class Manifest:
    """A file that is JSON, `{"id": …, "documents": [entry, …]}`, or NDJSON, an entry a line.

    NDJSON may begin with a line `{"id": …}`; empty lines are passed over. The name's ending says which of the two it
    is. NDJSON is streamed: memory does not grow with the number of entries.
    """

    def __init__(self, path: Path) -> None:
        """Raises `SettingsError` for an ending that says nothing."""
        self.path = path
        self.id = path.stem
        """Known once the entries were read."""
        if path.suffix.lower() not in LINES | OBJECT:
            raise SettingsError(f"manifest {path.name}: name it .json (one object) or .ndjson (an entry a line)")

    def entries(self) -> Iterator[Entry]:
        """In order, faulty ones too. Raises `SettingsError` when the file as a whole is no manifest."""
        try:
            with self.path.open("rb") as file:
                yield from self._lines(file) if self.path.suffix.lower() in LINES else self._object(file)
        except OSError as error:
            raise SettingsError(f"manifest {self.path.name} cannot be read: {type(error).__name__}") from None

    def documents(self) -> Iterator[ManifestDocument]:
        """Of a manifest that was checked; raises `SettingsError` where an entry is faulty all the same."""
        for entry in self.entries():
            if entry.document is None:
                raise SettingsError(f"manifest {self.path.name}: {entry.place}: {'; '.join(entry.faults)}")
            yield entry.document

    def check(self) -> ManifestSummary:
        """Look at every entry; raises one `SettingsError` that lists the faults with their places.

        A document that is named twice is refused with both places.
        """
        faults: list[str] = []
        found = faulty = documents = size = 0
        with closing(_Seen()) as seen:
            for entry in self.entries():
                found += 1
                sentences = list(entry.faults)
                if entry.document is not None:
                    documents += 1
                    size += entry.document.bytes or 0
                    first = seen.first_place(entry.document.document_uuid.bytes, entry.place)
                    sentences += [f"document_uuid is that of {first} too"] if first else []
                faulty += bool(sentences)
                faults += [f"{entry.place}: {sentence}" for sentence in sentences if len(faults) < MAX_LISTED_FAULTS]
        if faulty:
            more = f"; and more: {faulty} entries have faults" if len(faults) >= MAX_LISTED_FAULTS else ""
            raise SettingsError(f"manifest {self.path.name}: " + "; ".join(faults) + more)
        if not found:
            raise SettingsError(f"manifest {self.path.name} names no documents")
        return ManifestSummary(self.id, documents, size)

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
        except ValueError:
            return False
        if not isinstance(header, dict) or header.keys() != {"id"}:
            return False
        self.id = str(header["id"])
        return True

    def _object(self, file: BinaryIO) -> Iterator[Entry]:
        text = file.read(MAX_JSON_BYTES + 1)
        if len(text) > MAX_JSON_BYTES:
            raise SettingsError(f"manifest {self.path.name} has more than {MAX_JSON_BYTES} bytes: write it as .ndjson")
        try:
            manifest: Any = json.loads(text)
        except (ValueError, RecursionError):
            raise SettingsError(f"manifest {self.path.name} is not JSON") from None
        del text
        if not isinstance(manifest, dict) or not isinstance(manifest.get("documents"), list) or "id" not in manifest:
            raise SettingsError(f"manifest {self.path.name} must be an object with id and a list documents")
        self.id = str(manifest["id"])
        for index, entry in enumerate(manifest["documents"]):
            yield _entry(f"documents[{index}]", json.dumps(entry).encode())


def _entry(place: str, text: bytes) -> Entry:
    try:
        return Entry(place, ManifestDocument.model_validate_json(text))
    except ValidationError as error:
        return Entry(place, None, tuple(faults_of(error)))


class _Seen:
    """Which documents were named where; in a temporary file of SQLite, so that memory stays flat."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("CREATE TABLE seen (document BLOB PRIMARY KEY, place TEXT) WITHOUT ROWID")
        self._database.execute("BEGIN")

    def first_place(self, document: bytes, place: str) -> str | None:
        """Where it was named before; None, and remembered, when it was not."""
        done = self._database.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (document, place))
        if done.rowcount:
            return None
        found = self._database.execute("SELECT place FROM seen WHERE document = ?", (document,)).fetchone()
        return str(found[0])

    def close(self) -> None:
        """The file goes with it."""
        self._database.close()
