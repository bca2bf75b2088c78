"""The target tables that a contract declares, as SQLAlchemy tables."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from include.pipelines.xml.language.contract import Contract
from include.pipelines.xml.language.table import Reference
from include.pipelines.xml.mapping.layout import TableLayout, layouts_of
from include.warehouse.target import IDENTITY_INSERT, Target


def target_of(contract: Contract) -> Target:
    """Raises `SettingsError` for what the warehouse cannot hold."""
    metadata = sa.MetaData()
    layouts = {layout.name.lower(): layout for layout in layouts_of(contract)}
    return Target(
        contract.contract, contract.key.column, [_table(layout, layouts, metadata) for layout in layouts.values()]
    )


def _table(layout: TableLayout, layouts: Mapping[str, TableLayout], metadata: sa.MetaData) -> sa.Table:
    table = sa.Table(
        layout.name,
        metadata,
        *_columns(layout),
        sa.PrimaryKeyConstraint(*layout.primary_key),
        info={IDENTITY_INSERT: True} if layout.table.identity_insert else {},
    )
    if layout.parent is not None:
        names = layout.parent.primary_key
        table.append_constraint(sa.ForeignKeyConstraint(names, [f"{layout.parent.name}.{name}" for name in names]))
    for reference in layout.table.references:
        table.append_constraint(_foreign_key(reference, layout, layouts[reference.table.lower()]))
    return table


def _foreign_key(reference: Reference, layout: TableLayout, other: TableLayout) -> sa.ForeignKeyConstraint:
    """Names as the tables spell them, which the contract may not."""
    own = {name.lower(): name for name in layout.names}
    theirs = {name.lower(): name for name in other.names}
    return sa.ForeignKeyConstraint(
        [own[name.lower()] for name in reference.columns],
        [f"{other.name}.{theirs[name.lower()]}" for name in reference.to],
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
