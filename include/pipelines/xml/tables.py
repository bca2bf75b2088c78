"""The target tables that a contract declares, as SQLAlchemy tables."""

from __future__ import annotations

import sqlalchemy as sa

from include.pipelines.xml.contract import Contract
from include.pipelines.xml.layout import TableLayout, layouts_of
from include.warehouse.target import Target


def target_of(contract: Contract) -> Target:
    """Raises `SettingsError` for what the warehouse cannot hold."""
    metadata = sa.MetaData()
    return Target(contract.contract, contract.key.column, [_table(layout, metadata) for layout in layouts_of(contract)])


def _table(layout: TableLayout, metadata: sa.MetaData) -> sa.Table:
    table = sa.Table(layout.name, metadata, *_columns(layout), sa.PrimaryKeyConstraint(*layout.primary_key))
    if layout.parent is not None:
        names = layout.parent.primary_key
        table.append_constraint(sa.ForeignKeyConstraint(names, [f"{layout.parent.name}.{name}" for name in names]))
    return table


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
