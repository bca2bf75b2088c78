"""What names the documents of a run, entry by entry, and the check of the whole of it before anything is planned."""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import ClassVar

from include.engine.errors import SettingsError
from include.pipelines.pdf.manifest.model import ManifestDocument

MAX_LISTED_FAULTS = 100
"""The rest is counted."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it stands there."""

    place: str
    """`line 12`, `documents[11]`, `object 12`."""
    document: ManifestDocument | None
    """None where there are faults."""
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ManifestSummary:
    """What a check found."""

    id: str
    """As the manifest says, or the file's or folder's name."""
    documents: int
    bytes: int
    """Sum of what the entries say; those that say nothing count 0."""
    sized: int
    """Entries that say their bytes."""

    @property
    def mean_bytes(self) -> float:
        """Of those that say; 0 where none does."""
        return self.bytes / self.sized if self.sized else 0.0


class Listing(ABC):
    """Entries in an order that stays; memory does not grow with their number."""

    may_be_empty: ClassVar[bool] = False

    id: str
    label: str
    """Names it in errors."""

    @abstractmethod
    def entries(self) -> Iterator[Entry]:
        """In order, faulty ones too. Raises `SettingsError` when the whole cannot be read."""

    def documents(self) -> Iterator[ManifestDocument]:
        """Of a listing that was checked; raises `SettingsError` where an entry is faulty all the same."""
        for entry in self.entries():
            if entry.document is None:
                raise SettingsError(f"{self.label}: {entry.place}: {'; '.join(entry.faults)}")
            yield entry.document

    def check(self) -> ManifestSummary:
        """Look at every entry; raises one `SettingsError` that lists the faults with their places.

        A document that is named twice is refused with both places.
        """
        faults: list[str] = []
        found = faulty = documents = size = sized = 0
        with closing(_Seen()) as seen:
            for entry in self.entries():
                found += 1
                sentences = list(entry.faults)
                if entry.document is not None:
                    documents += 1
                    size += entry.document.bytes or 0
                    sized += entry.document.bytes is not None
                    first = seen.first_place(entry.document.document_uuid.bytes, entry.place)
                    sentences += [f"document_uuid is that of {first} too"] if first else []
                faulty += bool(sentences)
                faults += [f"{entry.place}: {sentence}" for sentence in sentences if len(faults) < MAX_LISTED_FAULTS]
        if faulty:
            more = f"; and more: {faulty} entries have faults" if len(faults) >= MAX_LISTED_FAULTS else ""
            raise SettingsError(f"{self.label}: " + "; ".join(faults) + more)
        if not found and not self.may_be_empty:
            raise SettingsError(f"{self.label} names no documents")
        return ManifestSummary(self.id, documents, size, sized)


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
