"""The table that takes a view's rows."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from include.pipelines.fhir.views.columns import ViewColumn
from include.pipelines.fhir.views.resources import KEY_COLUMN, MAX_KEY, MAX_VERSION, VERSION_COLUMN


def table_of(name: str, columns: Sequence[ViewColumn]) -> sa.Table:
    """Key and version of the resource, then the view's columns; a resource may have any number of rows in it."""
    return sa.Table(
        name,
        sa.MetaData(),
        sa.Column(KEY_COLUMN, sa.Unicode(MAX_KEY), nullable=False, index=True),
        sa.Column(VERSION_COLUMN, sa.Unicode(MAX_VERSION), nullable=True),
        *(sa.Column(column.name, column.kept_in.to_sql(), nullable=True) for column in columns),
    )
