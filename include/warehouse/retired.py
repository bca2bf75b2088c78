"""Which tables a target ever filled, so that a contract that drops one still has its old rows deleted."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from graphlib import TopologicalSorter

import sqlalchemy as sa

from include.warehouse.connection import Warehouse
from include.warehouse.delete_path import DeletePath
from include.warehouse.table_name import TableName
from include.warehouse.tables import target_tables


def known_paths(
    warehouse: Warehouse, connection: sa.Connection, pipeline: str, target: str
) -> dict[TableName, DeletePath]:
    """By the tables' places."""
    query = (
        sa.select(target_tables.c.table_name, target_tables.c.delete_path)
        .with_hint(target_tables, "WITH (UPDLOCK, HOLDLOCK)", "mssql")
        .where(target_tables.c.pipeline == pipeline, target_tables.c.target == target)
        .order_by(target_tables.c.table_name)
    )
    paths = [DeletePath.from_json(json.loads(row.delete_path)) for row in connection.execute(query)]
    return {warehouse.place(path.name): path for path in paths}


def remember_tables(
    connection: sa.Connection, pipeline: str, target: str, paths: Mapping[TableName, DeletePath], now: datetime
) -> None:
    """New tables, or tables whose way to the record key has changed, by place."""
    for place, path in paths.items():
        table_name = str(place)
        line = (
            (target_tables.c.pipeline == pipeline)
            & (target_tables.c.target == target)
            & (target_tables.c.table_name == table_name)
        )
        connection.execute(sa.delete(target_tables).where(line))
        connection.execute(
            sa.insert(target_tables).values(
                pipeline=pipeline,
                target=target,
                table_name=table_name,
                delete_path=json.dumps(path.to_json()),
                first_seen=now,
            )
        )


def children_first(
    paths: Sequence[DeletePath],
    foreign_keys: Sequence[tuple[TableName, TableName]],
    place: Callable[[TableName], TableName],
) -> list[DeletePath]:
    """In an order in which each table's rows can be deleted; `foreign_keys` are (child, parent) pairs of places.

    The database's own foreign keys decide: contracts that are gone say nothing of each other's tables.
    """
    by_name = {place(path.name).folded: path for path in paths}
    before: dict[TableName, set[TableName]] = {name: set() for name in by_name}
    ways = [(place(path.name), place(parent)) for path in paths for parent in path.tables[1:]]
    for child, parent in [*foreign_keys, *ways]:
        if child.folded != parent.folded and parent.folded in before and child.folded in before:
            before[parent.folded].add(child.folded)
    return [by_name[name] for name in TopologicalSorter(before).static_order()]
