"""Whether the target's tables hold what `records` says: rows a key, compared in the database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from include.warehouse.column_types import key_text
from include.warehouse.connection import Warehouse
from include.warehouse.tables import MAX_KEY, records
from include.warehouse.target import Target, TargetTable


@dataclass(frozen=True)
class Difference:
    """One key whose rows are not those that `records` counts."""

    key: str
    remembered: int
    """Rows, by `records`."""
    found: int
    """Rows, in all tables of the target."""


def verify(warehouse: Warehouse, pipeline: str, target: Target, limit: int = 100) -> list[Difference]:
    """The first differences in key order; empty when tables and `records` agree. Reads whole tables."""
    none, one = sa.literal(0), sa.literal(1)
    remembered = sa.select(records.c.record_key, records.c.row_count.label("remembered"), none.label("found")).where(
        records.c.pipeline == pipeline, records.c.target == target.name
    )
    keys = [_keys_of(target, table).subquery() for table in target.tables]
    found = [sa.select(rows.c.record_key, none.label("remembered"), one.label("found")) for rows in keys]
    both = sa.union_all(remembered, *found).subquery("both_sides")
    sums = sa.func.sum(both.c.remembered), sa.func.sum(both.c.found)
    query = (
        sa.select(both.c.record_key, *sums)
        .group_by(both.c.record_key)
        .having(sums[0] != sums[1])
        .order_by(both.c.record_key)
        .limit(limit)
    )
    rows_found = warehouse.transact("verify", lambda connection: connection.execute(query).all(), write=False)
    return [Difference(*row) for row in rows_found]


def _keys_of(target: Target, table: TargetTable) -> sa.Select[Any]:
    source: sa.FromClause = table.table
    last = table.table
    for step in table.delete_path.steps:
        parent = target.table(step.parent)
        source = source.join(parent, last.columns[step.column] == parent.columns[step.parent_column])
        last = parent
    key = sa.cast(last.columns[target.record_key], key_text(MAX_KEY))
    return sa.select(key.label("record_key")).select_from(source)
