"""Which keys have come before: exactly, in bounded memory."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing

IN_MEMORY = 100_000
"""Keys held in memory, some 100 bytes each: 10 MB. The rest goes to a temporary file, some 40 bytes each."""


class SeenKeys:
    """A set of texts that only grows. Not thread-safe; `close` releases the temporary file.

    It holds digests of 128 bits, so that a key's length does not matter: for two of 10 million keys to collide is as
    likely as 1 to 10^24.
    """

    def __init__(self, in_memory: int = IN_MEMORY) -> None:
        self._in_memory = in_memory
        self._held: set[bytes] = set()
        self._file: sqlite3.Connection | None = None

    def add(self, *key: str) -> bool:
        """Whether the key is new."""
        digest = _digest(key)
        if digest in self._held:
            return False
        if len(self._held) < self._in_memory:
            self._held.add(digest)
            return True
        if self._file is None:
            self._file = _temporary_file()
        with closing(self._file.execute("INSERT OR IGNORE INTO seen VALUES (?)", (digest,))) as inserted:
            return inserted.rowcount == 1

    def __contains__(self, key: str) -> bool:
        digest = _digest((key,))
        if digest in self._held:
            return True
        if self._file is None:
            return False
        with closing(self._file.execute("SELECT 1 FROM seen WHERE digest = ?", (digest,))) as found:
            return found.fetchone() is not None

    def close(self) -> None:
        """Forget everything. Safe to call twice."""
        self._held.clear()
        if self._file is not None:
            self._file.close()
            self._file = None


def _digest(key: tuple[str, ...]) -> bytes:
    text = "\x1f".join(key).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=16).digest()


def _temporary_file() -> sqlite3.Connection:
    """An empty name makes SQLite keep a file of its own, gone when closed. A reader may change threads between keys."""
    connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -4096"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("CREATE TABLE seen (digest BLOB PRIMARY KEY) WITHOUT ROWID")
    connection.execute("BEGIN")  # one for all: a transaction a key would write a page a key
    return connection
