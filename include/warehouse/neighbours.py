"""What else in the database has to do with a target's tables, and would lose or mix rows."""

from __future__ import annotations

import json
from collections.abc import Sequence

import sqlalchemy as sa

from include.warehouse.connection import Warehouse
from include.warehouse.delete_path import DeletePath
from include.warehouse.found_tables import foreign_keys_into
from include.warehouse.tables import target_tables
from include.warehouse.target import Target


def outside_keys(warehouse: Warehouse, target: Target, retired: Sequence[DeletePath]) -> str | None:
    """What is wrong with foreign keys into the target, if anything is."""
    names = [table.full_name for table in target.tables]

    def work(connection: sa.Connection) -> list[str]:
        inside = {warehouse.place(name).folded for name in [*names, *(path.name for path in retired)]}
        pairs = foreign_keys_into(warehouse, connection, names)
        return sorted({f"{child} to {parent}" for child, parent in pairs if child.folded not in inside})

    outside = warehouse.transact("look at foreign keys", work, write=False)
    return (
        f"foreign keys of tables outside the target would stop replacing by key: {', '.join(outside)}"
        if outside
        else None
    )


def mixed_schemas(warehouse: Warehouse, connection: sa.Connection, pipeline: str, target: Target) -> str | None:
    """Without schemas, tables of one name are one table, though two targets declare them in two schemas.

    One of them would delete the other's rows.
    """
    if warehouse.dialect.has_schemas:
        return None
    ours = [str(warehouse.place(table.full_name)) for table in target.tables]
    is_ours = (target_tables.c.pipeline == pipeline) & (target_tables.c.target == target.name)
    query = (
        sa.select(target_tables.c.table_name, target_tables.c.target, target_tables.c.delete_path)
        .where(target_tables.c.table_name.in_(ours), ~is_ours)
        .order_by(target_tables.c.table_name, target_tables.c.target)
    )
    mixed = [
        f"{row.table_name} is also that of target {row.target}"
        for row in connection.execute(query)
        if DeletePath.from_json(json.loads(row.delete_path)).schema != target.schema
    ]
    return (
        f"{', '.join(mixed)}, declared in another schema; {warehouse.name} has none to keep them apart: "
        "load one of the two into another database"
        if mixed
        else None
    )
