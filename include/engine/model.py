"""The nouns of the engine: what is planned, read, settled and committed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from include.engine.errors import FatalError, RecordRejected
from include.engine.names import MAX_WARNINGS, add_names
from include.engine.parts import (
    ByteRange,
    Key,
    KeyListRange,
    KeyRange,
    LineRange,
    NamedSlice,
    Part,
    RowRange,
    part_from_json,
    part_label,
    part_to_json,
)

__all__ = [
    "MAX_BATCH_JSON_BYTES",
    "Batch",
    "ByteRange",
    "InsertBatch",
    "Key",
    "KeyListRange",
    "KeyRange",
    "KeyTiming",
    "LineRange",
    "NamedSlice",
    "NotedRows",
    "Outcome",
    "Part",
    "Prior",
    "Receipt",
    "Record",
    "Row",
    "RowRange",
    "Rows",
    "Settlement",
    "noticed",
    "put_together",
    "taken_apart",
]

Row = tuple[Any, ...]
"""The values of one target row, in the declared order of its table's columns."""

Rows = Mapping[str, Sequence[Row]]
"""The rows that one record gives, by target table name. An empty mapping is a record without rows."""


class NotedRows(dict[str, Sequence[Row]]):
    """Rows with what their transform noticed about the record. Compares as its rows; pickles whole."""

    __slots__ = ("is_partial", "marks", "size", "warnings")

    warnings: dict[str, int]
    """How often each thing was wrong and tolerated, by name (`truncated loans.purpose`); no values of the record."""
    marks: int
    """A set of bits, each of which says something true of this record; the pipeline's `mark_names` names them."""
    size: int
    """Bytes that the rows take, as far as is known: those of the answer that brought them from a worker process."""
    is_partial: bool
    """The same record gives more another time: it is not remembered as unchanged."""

    def __init__(
        self,
        rows: Rows | Iterable[tuple[str, Sequence[Row]]] = (),
        warnings: dict[str, int] | None = None,
        marks: int = 0,
    ) -> None:
        super().__init__(rows)
        self.warnings = {} if warnings is None else warnings
        self.marks = marks
        self.size = 0
        self.is_partial = False


Notes = tuple[dict[str, int], int, bool]
"""What `NotedRows` say beside the rows and their size."""


def taken_apart(rows: Rows) -> tuple[dict[str, Sequence[Row]], Notes | None]:
    """For the way out of a worker process: a plain dict pickles in two thirds of the time that our class takes."""
    notes = (rows.warnings, rows.marks, rows.is_partial) if isinstance(rows, NotedRows) else None
    return dict(rows), notes


def put_together(rows: dict[str, Sequence[Row]], notes: Notes | None, size: int) -> NotedRows:
    """What was `taken_apart`, in `size` bytes."""
    warnings, marks, is_partial = notes or ({}, 0, False)
    noted = NotedRows(rows, warnings, marks)
    noted.size, noted.is_partial = size, is_partial
    return noted


def noticed(written: Iterable[Rows | None]) -> tuple[dict[str, int], int]:
    """The warnings (summed, at most `MAX_WARNINGS` names) and the marks (joined) of the rows of many records."""
    warnings: dict[str, int] = {}
    marks = 0
    for rows in written:
        if isinstance(rows, NotedRows):
            marks |= rows.marks
            for name, count in rows.warnings.items():
                warnings[name] = warnings.get(name, 0) + count
    return add_names({}, warnings, MAX_WARNINGS) if warnings else warnings, marks


MAX_BATCH_JSON_BYTES = 1024
"""Every mapped task resolves the whole list of batches, so each must stay small."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A reference to the work of one mapped task; it holds no records and no list of keys."""

    index: int
    """0-based position in the run's plan; summarize compares by it, never by list position."""
    part: Part
    planned_records: int
    estimated: bool = False
    """True when `planned_records` was not counted."""

    @property
    def label(self) -> str:
        """Names the mapped task in the Airflow UI; keys and positions only."""
        return f"{self.index}: {part_label(self.part)}"

    def to_json(self) -> dict[str, Any]:
        """A plain dict for XCom; raises `FatalError` when it would pass 1 KB."""
        document = {
            "index": self.index,
            **part_to_json(self.part),
            "planned_records": self.planned_records,
            "estimated": self.estimated,
        }
        size = len(json.dumps(document))
        if size > MAX_BATCH_JSON_BYTES:
            raise FatalError(
                f"batch {self.index} takes {size} bytes as JSON, {MAX_BATCH_JSON_BYTES} are allowed: shorten its keys"
            )
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Batch:
        """The inverse of `to_json`; raises `FatalError` naming the missing or unknown field."""
        fields = dict(document)
        try:
            index, planned, estimated = (fields.pop(name) for name in ("index", "planned_records", "estimated"))
            return cls(index=index, part=part_from_json(fields), planned_records=planned, estimated=estimated)
        except (KeyError, TypeError) as error:
            raise FatalError(f"not a batch reference, fields {sorted(document)}: {error}") from None


@dataclass(slots=True)
class Record:
    """One record as its source delivers it."""

    key: Key
    payload: Any
    size: int = 0
    """Bytes, as the source knows them; the queues' byte bounds count these."""
    version: str | None = None
    """Orders the states of one record: compares as text (UTC ISO time, zero-padded number), newer is greater."""
    fault: RecordRejected | None = None
    """Set by a source that found the record but could not read it: it settles without a transform."""


@dataclass(frozen=True, slots=True)
class Prior:
    """What the warehouse remembers of a key."""

    version: str | None
    """The newest that settled."""
    content_hash: str | None
    """Of what the target tables hold now; None when they hold nothing of this key."""
    in_this_cycle: bool
    """Settled by this cycle already: resume drops the record, unless it is a newer version."""


class Outcome(StrEnum):
    """How a record settled."""

    WRITTEN = "written"
    REJECTED = "rejected"
    SKIPPED = "skipped"


@dataclass(slots=True)
class Settlement:
    """The judgement of one record, on its way to the warehouse."""

    key: Key
    outcome: Outcome
    index: int = 0
    """Position in the batch's reading order."""
    rows: Rows | None = None
    """Replaces what the target holds of this key; None leaves it alone (skipped, or given up for want of an answer)."""
    version: str | None = None
    content_hash: str | None = None
    code: str | None = None
    """Class of a reject or reason of a skip."""
    message: str | None = None
    """Of a reject; carries no record values."""
    size: int = 0
    """Bytes that the queue counts for it: those of the record, or of its rows where they are known to be more."""
    attempts: int = 1
    transform_s: float = 0.0

    @property
    def row_count(self) -> int:
        """Rows that this settlement inserts."""
        return sum(map(len, self.rows.values())) if self.rows else 0


@dataclass(frozen=True, slots=True)
class InsertBatch:
    """The settlements that commit as one transaction."""

    ordinal: int
    """1-based within the attempt; a replay after a lost answer carries the same one."""
    settlements: Sequence[Settlement]
    records_read: int
    """Records of this attempt that the reader had delivered, resumed ones not counted; never less than settled."""
    retries: int = 0
    """Repeated tries of these records' transforms."""
    wall_s: float = 0.0
    """Of this attempt, when the commit was begun."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a commit did, which may differ from what was asked: a newer version was there, a constraint refused."""

    written: int = 0
    rejected: int = 0
    skipped: int = 0
    rows_written: int = 0
    rejected_by_code: Mapping[str, int] = field(default_factory=dict)
    skipped_by_reason: Mapping[str, int] = field(default_factory=dict)
    warnings: Mapping[str, int] = field(default_factory=dict)
    """Of the records that were written, by name."""
    marks: int = 0
    """Each bit that any of those records has set."""
    replayed: bool = False
    """The ordinal had been committed already; nothing was written again."""

    @classmethod
    def as_asked(cls, settlements: Sequence[Settlement]) -> Receipt:
        """Of a commit that settled each record as it was judged."""
        outcomes = Counter(settlement.outcome for settlement in settlements)
        warnings, marks = noticed(s.rows for s in settlements if s.outcome is Outcome.WRITTEN)
        return cls(
            written=outcomes[Outcome.WRITTEN],
            rejected=outcomes[Outcome.REJECTED],
            skipped=outcomes[Outcome.SKIPPED],
            rows_written=sum(settlement.row_count for settlement in settlements),
            rejected_by_code=Counter(s.code or "" for s in settlements if s.outcome is Outcome.REJECTED),
            skipped_by_reason=Counter(s.code or "" for s in settlements if s.outcome is Outcome.SKIPPED),
            warnings=warnings,
            marks=marks,
        )

    def __add__(self, other: Receipt) -> Receipt:
        return Receipt(
            written=self.written + other.written,
            rejected=self.rejected + other.rejected,
            skipped=self.skipped + other.skipped,
            rows_written=self.rows_written + other.rows_written,
            rejected_by_code=add_names(self.rejected_by_code, other.rejected_by_code),
            skipped_by_reason=add_names(self.skipped_by_reason, other.skipped_by_reason),
            warnings=add_names(self.warnings, other.warnings, MAX_WARNINGS),
            marks=self.marks | other.marks,
        )

    @property
    def settled(self) -> int:
        """Records that the commit settled."""
        return self.written + self.rejected + self.skipped


@dataclass(frozen=True, slots=True)
class KeyTiming:
    """One of the slowest records."""

    seconds: float
    key: Key = field(compare=False)
