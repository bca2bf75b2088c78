"""What a transform answers in place of rows where several workers shall share one record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from include.engine.model import Rows


@dataclass(frozen=True, slots=True)
class Divided:
    """The record as several payloads, each of which gives rows by itself, and is not divided again.

    Parts go to the same transform; to worker processes side by side, in any order, each with the deadline and the tries
    of a record. The first that gives no rows decides the record. A thread works them one after the other.
    """

    parts: Sequence[Any]
    """Payloads; at least one."""
    merge: Callable[[Sequence[Rows]], Rows]
    """From the rows of the parts, in the order of the parts and fitted to their tables, to those of the record.
    Importable by its name, and quick: it is called in the task's own process. Raises `RecordRejected`."""

    def __post_init__(self) -> None:
        # Where the transform is at work, so that it costs this record: nothing would ever settle it.
        if not self.parts:
            raise ValueError("a record was divided into no parts")
