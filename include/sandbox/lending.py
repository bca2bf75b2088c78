"""Generated lending applications: realistic XML documents for the demo, the tests and the benchmarks.

Every document depends on (seed, key, size) alone, so a sample can grow without changing what it holds.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain, islice
from pathlib import Path

from include.sandbox.lending_draw import Draw
from include.sandbox.lending_faults import FAULTS, Document
from include.sandbox.lending_loan import application, collateral, header, liabilities, unmapped
from include.sandbox.lending_people import applicants

FIRST_KEY = 1_000_001
FIRST_CHANGE = datetime(2025, 1, 1)  # noqa: DTZ001 - a column of local times without zone, as banks have them
"""Change date of the first document; each following one changed a minute later."""

_SLIM_BYTES, _FULL_BYTES = 6_000, 16_000
_ROWS_AN_INSERT = 200


@dataclass(frozen=True, slots=True)
class LendingDocument:
    """One row of the source table."""

    key: int
    xml: Document
    changed_at: datetime
    fault: str | None = None
    """Name in `FAULTS` of what was broken on purpose."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What was written."""

    documents: int = 0
    total_bytes: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    """Documents broken on purpose, by the fault's name."""

    @property
    def broken(self) -> int:
        """Documents that must end as rejects."""
        return sum(self.faults.values())


def lending_document(key: int, seed: int = 1, size_bytes: int = 10_000, *, spread: float = 0.2) -> str:
    """One sound document of about `size_bytes`; `spread` 0 keeps the size as near as its parts allow.

    Below 6 KB it has the parts that a contract requires and little else; from 16 KB two applicants.
    """
    draw = Draw(seed, key)
    size = draw.spread(size_bytes, spread)
    slim, full = size_bytes < _SLIM_BYTES, size_bytes >= _FULL_BYTES
    people = 2 if full or (not slim and draw.chance(0.15)) else 1
    securities = "" if slim else collateral(draw, 1) + liabilities(draw, 2 if full else 1)
    body = (
        header(draw) + application(draw, key, people, slim=slim) + applicants(draw, key, people, slim=slim) + securities
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<LendingApplication id="{key}" version="{draw.number(1, 4)}" xmlns:m="urn:headrace:lending:message">\n'
        f"{body}{unmapped(draw, size - len(body))}</LendingApplication>\n"
    )


def lending_documents(
    count: int, seed: int = 1, size_bytes: int = 10_000, broken_share: float = 0.0, *, spread: float = 0.2
) -> Iterator[LendingDocument]:
    """`count` documents by key; `round(count * broken_share)` of them broken, evenly spread, fault by fault."""
    broken = round(count * broken_share)
    names = list(FAULTS)
    for index in range(count):
        key = FIRST_KEY + index
        xml: Document = lending_document(key, seed, size_bytes, spread=spread)
        ordinal = (index + 1) * broken // count
        fault = names[(ordinal - 1) % len(names)] if ordinal > index * broken // count else None
        if fault is not None:
            xml = FAULTS[fault](str(xml))
        yield LendingDocument(key, xml, FIRST_CHANGE + timedelta(minutes=index), fault)


def write_sample(
    path: Path,
    count: int,
    seed: int = 1,
    size_bytes: int = 10_000,
    broken_share: float = 0.0,
    *,
    table: str = "app_xml",
) -> Sample:
    """Create the table of documents in a SQLite file, replacing one of that name, and stream the sample into it."""
    documents = lending_documents(count, seed, size_bytes, broken_share)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f'DROP TABLE IF EXISTS "{table}"')
        connection.execute(
            f'CREATE TABLE "{table}" (app_id INTEGER PRIMARY KEY, xml TEXT, changed_at TIMESTAMP NOT NULL)'
        )
        return _insert(connection, table, documents)


def _insert(connection: sqlite3.Connection, table: str, documents: Iterable[LendingDocument]) -> Sample:
    pending = iter(documents)
    faults: Counter[str] = Counter()
    written = total_bytes = 0
    while rows := list(islice(pending, _ROWS_AN_INSERT)):
        marks = ", ".join(["(?, ?, ?)"] * len(rows))
        # Several rows a statement: executemany hands the GIL over at every row.
        connection.execute(
            f'INSERT INTO "{table}" (app_id, xml, changed_at) VALUES {marks}',  # noqa: S608 - names are the caller's
            list(
                chain.from_iterable((row.key, row.xml, row.changed_at.isoformat(" ", "microseconds")) for row in rows)
            ),
        )
        faults.update(row.fault for row in rows if row.fault)
        written += len(rows)
        total_bytes += sum(len(row.xml) for row in rows)
    return Sample(written, total_bytes, dict(faults))
