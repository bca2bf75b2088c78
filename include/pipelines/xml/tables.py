"""The target tables that a contract declares, as SQLAlchemy tables."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from include.pipelines.xml.language.contract import Contract
from include.pipelines.xml.language.table import Reference
from include.pipelines.xml.mapping.layout import TableLayout, layouts_of
from include.pipelines.xml.mapping.plan_tables import paths_of
from include.pipelines.xml.mapping.slots import TableSlots
from include.warehouse.encoders import SOURCE_PATH
from include.warehouse.target import IDENTITY_INSERT, Target


def target_of(contract: Contract) -> Target:
    """Raises `SettingsError` for what the warehouse cannot hold."""
    metadata = sa.MetaData(schema=contract.target_schema)
    tables: dict[str, sa.Table] = {}
    for layout in layouts_of(contract):
        tables[layout.name.lower()] = _table(contract, layout, tables, metadata)
    return Target(contract.contract, contract.key.column, list(tables.values()))


def _table(contract: Contract, layout: TableLayout, earlier: Mapping[str, sa.Table], metadata: sa.MetaData) -> sa.Table:
    """Parents and referenced tables are among the earlier ones."""
    columns = _columns(layout)
    for column, path in zip(columns, (contract.key.path, *paths_of(TableSlots(layout))[1:]), strict=False):
        column.info = {} if path is None else {SOURCE_PATH: path}
    table = sa.Table(
        layout.name,
        metadata,
        *columns,
        sa.PrimaryKeyConstraint(*layout.primary_key),
        info={IDENTITY_INSERT: True} if layout.table.identity_insert else {},
    )
    if layout.parent is not None:
        names = layout.parent.primary_key
        parent = earlier[layout.parent.name.lower()]
        table.append_constraint(sa.ForeignKeyConstraint(names, [parent.columns[name] for name in names]))
    for reference in layout.table.references:
        table.append_constraint(_foreign_key(reference, table, earlier[reference.table.lower()]))
    return table


def _foreign_key(reference: Reference, table: sa.Table, other: sa.Table) -> sa.ForeignKeyConstraint:
    """Names as the tables spell them, which the contract may not."""
    own = {column.name.lower(): column.name for column in table.columns}
    theirs = {column.name.lower(): column for column in other.columns}
    return sa.ForeignKeyConstraint(
        [own[name.lower()] for name in reference.columns], [theirs[name.lower()] for name in reference.to]
    )


def _columns(layout: TableLayout) -> list[sa.Column[object]]:
    columns: list[sa.Column[object]] = [
        sa.Column(name, layout.type_of(slot).to_sql(), nullable=False)
        for slot, name in enumerate(layout.names[: layout.first_slot])
    ]
    for column in layout.table.columns:
        nullable = column.nullable
        if nullable is None:
            nullable = not column.required and column.name not in layout.primary_key
        columns.append(sa.Column(column.name, column.parsed_type.to_sql(), nullable=nullable))
    return columns
