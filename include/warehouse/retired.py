"""Which tables a target ever filled, so that a contract that drops one still has its old rows deleted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from graphlib import TopologicalSorter

import sqlalchemy as sa

from include.warehouse.delete_path import DeletePath
from include.warehouse.tables import target_tables


def known_paths(connection: sa.Connection, pipeline: str, target: str) -> dict[str, DeletePath]:
    """By table name."""
    query = (
        sa.select(target_tables.c.table_name, target_tables.c.delete_path)
        .with_hint(target_tables, "WITH (UPDLOCK, HOLDLOCK)", "mssql")
        .where(target_tables.c.pipeline == pipeline, target_tables.c.target == target)
        .order_by(target_tables.c.table_name)
    )
    return {row.table_name: DeletePath.from_json(json.loads(row.delete_path)) for row in connection.execute(query)}


def remember_tables(
    connection: sa.Connection, pipeline: str, target: str, paths: Sequence[DeletePath], now: datetime
) -> None:
    """New tables, or tables whose way to the record key has changed."""
    for path in paths:
        place = (
            (target_tables.c.pipeline == pipeline)
            & (target_tables.c.target == target)
            & (target_tables.c.table_name == path.table)
        )
        connection.execute(sa.delete(target_tables).where(place))
        connection.execute(
            sa.insert(target_tables).values(
                pipeline=pipeline,
                target=target,
                table_name=path.table,
                delete_path=json.dumps(path.to_json()),
                first_seen=now,
            )
        )


def children_first(paths: Sequence[DeletePath], foreign_keys: Sequence[tuple[str, str]]) -> list[DeletePath]:
    """In an order in which each table's rows can be deleted; `foreign_keys` are (child, parent) pairs.

    The database's own foreign keys decide: contracts that are gone say nothing of each other's tables.
    """
    by_name = {path.table.lower(): path for path in paths}
    before: dict[str, set[str]] = {name: set() for name in by_name}
    ways = [(path.table, step.parent) for path in paths for step in path.steps]
    for child, parent in [*foreign_keys, *ways]:
        if child.lower() != parent.lower() and parent.lower() in before and child.lower() in before:
            before[parent.lower()].add(child.lower())
    return [by_name[name] for name in TopologicalSorter(before).static_order()]
