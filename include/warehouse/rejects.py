"""Rejected records: one line a key, open until the key is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import sqlalchemy as sa

from include.engine.model import Outcome, Row
from include.warehouse.attempt import Cycle
from include.warehouse.connection import Warehouse
from include.warehouse.encoders import wire_timestamp
from include.warehouse.loaders.loader import Loader
from include.warehouse.settling import Verdict
from include.warehouse.tables import rejects

_COLUMNS = tuple(rejects.columns.keys())
_KEY, _ATTEMPTS, _FIRST_SEEN, _LAST_SEEN, _RESOLVED = (
    _COLUMNS.index(name) for name in ("record_key", "attempts", "first_seen", "last_seen", "resolved_at")
)


def write_rejects(
    loader: Loader, connection: sa.Connection, verdicts: Sequence[Verdict], cycle: Cycle, now: datetime
) -> None:
    """Open, or open again, one line for each rejected key; `attempts` counts its rejections."""
    rejected = {v.key: v for v in verdicts if v.outcome is Outcome.REJECTED}
    if not rejected:
        return
    owner = (cycle.pipeline, cycle.target)
    moment = wire_timestamp(now, connection.dialect.name)
    earlier = {row[_KEY]: row for row in _select(loader, connection, owner, sorted(rejected))}
    rows: list[Row] = []
    for key, verdict in sorted(rejected.items()):
        before = earlier.get(key)
        attempts, first_seen = (before[_ATTEMPTS], before[_FIRST_SEEN]) if before else (0, moment)
        place = (*owner, key, cycle.run_id, cycle.cycle_id)
        rows.append(
            (*place, verdict.reason or "unknown", verdict.message or "", attempts + 1, first_seen, moment, None)
        )
    loader.upsert(connection, rejects, rows)


def resolve_rejects(
    loader: Loader, connection: sa.Connection, keys: Sequence[str], cycle: Cycle, now: datetime
) -> None:
    """Close the open rejects of keys whose newest content the target holds now."""
    if not keys:
        return
    moment = wire_timestamp(now, connection.dialect.name)
    lines = _select(loader, connection, (cycle.pipeline, cycle.target), sorted(keys))
    rows = [(*line[:_RESOLVED], moment) for line in lines if line[_RESOLVED] is None]
    if rows:
        loader.upsert(connection, rejects, rows)


def _select(loader: Loader, connection: sa.Connection, owner: tuple[str, str], keys: list[str]) -> list[Row]:
    """Whole lines in wire form: a driver's datetimes become text again."""
    name = connection.dialect.name
    return [
        tuple(wire_timestamp(value, name) if isinstance(value, datetime) else value for value in row)
        for row in loader.select(connection, rejects, _COLUMNS, owner, keys)
    ]


def open_reject_keys(warehouse: Warehouse, pipeline: str, target: str, page: int = 1000) -> Iterator[str]:
    """Stored keys of the open rejects in key order, a short transaction a page."""
    after: str | None = None
    while True:
        query = (
            sa.select(rejects.c.record_key)
            .where(rejects.c.pipeline == pipeline, rejects.c.target == target, rejects.c.resolved_at.is_(None))
            .order_by(rejects.c.record_key)
            .limit(page)
        )
        if after is not None:
            query = query.where(rejects.c.record_key > after)
        keys = warehouse.transact("read rejects", _scalars(query), write=False)
        yield from keys
        if len(keys) < page:
            return
        after = keys[-1]


def _scalars(query: sa.Select[str]) -> Callable[[sa.Connection], Sequence[str]]:
    return lambda connection: connection.execute(query).scalars().all()
