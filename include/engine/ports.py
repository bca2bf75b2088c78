"""What the engine asks of the outside: a source, a transform, a warehouse. Protocols only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

from include.engine.divided import Divided
from include.engine.model import Batch, InsertBatch, Key, Prior, Receipt, Record, Rows

Transform = Callable[[Record], Rows | Divided]
"""Turns a record into rows, or divides it. Called from many threads at once. Raises `RecordRejected`, `RecordSkipped`,
`TransientError` (tried again) or `FatalError`; anything else is a bug and rejects its record as one."""

ContentHash = Callable[[Record], str]
"""Digest of what decides a record's rows: its content and the mapping. Called from many threads at once."""

Fit = Callable[[Rows, Key], Rows]
"""Makes a record's rows what the sink takes, where they were made: it may go to worker processes as a
pickle. Raises as a transform does. Called from many threads at once."""


@runtime_checkable
class LooksAhead(Protocol):
    """A transform that can begin with records before their turn, as a worker process can."""

    def expect(self, record: Record) -> bool:
        """Begin when there is room; False when there is none for now."""
        ...

    def drop_ahead(self) -> None:
        """None of the expected records will come."""
        ...


class Source(Protocol):
    """Reads records lazily."""

    def read(self, batch: Batch) -> Iterator[Record]:
        """Every record of the batch once, in a stable order, holding a bounded number in memory.

        Called and consumed in one thread. Every blocking call in it has its own timeout.
        """
        ...


class Sink(Protocol):
    """Commits insert batches. Used by one thread, the writer."""

    def commit(self, insert_batch: InsertBatch) -> Receipt:
        """Commit everything of the insert batch in one transaction, or nothing.

        Raises `TransientError` when the same call may succeed (then `reset` and call again with the
        same ordinal), `AttemptSuperseded` when another attempt owns the batch, else `FatalError`.
        """
        ...

    def reset(self) -> None:
        """Drop the connection, if any; the next commit opens a new one."""
        ...

    def close(self) -> None:
        """Release the connection. Safe to call twice."""
        ...


class Memory(Protocol):
    """Looks up what the warehouse remembers. Used by one thread, the reader."""

    def prior(self, keys: Sequence[Key]) -> Mapping[Key, Prior]:
        """The remembered keys among `keys`; keys never seen are absent."""
        ...
