"""The target table of the pipeline, and the files whose rows were planned."""

from __future__ import annotations

import sqlalchemy as sa

from include.warehouse.column_types import key_text, long_text, utc_timestamp
from include.warehouse.target import Target

ROWS = "enriched_rows"

GENERATED = ("research_summary", "email_body", "personalized_line")
"""Generated columns that have a column of the table; those of other steps are in `extra`."""

MAX_URI = 600


def csv_target() -> Target:
    """Replaced row by row. The original cells are in the file, which is pinned; here are the fields that steps read."""
    rows = sa.Table(
        ROWS,
        sa.MetaData(),
        sa.Column("record_key", sa.Unicode(60), primary_key=True),
        sa.Column("file", sa.Unicode(MAX_URI), nullable=False),
        sa.Column("pin", sa.Unicode(200), nullable=False),
        sa.Column("row_number", sa.Integer, nullable=False),
        sa.Column("company", sa.UnicodeText),
        sa.Column("domain", sa.UnicodeText),
        # JSON: every mapped field.
        sa.Column("fields", sa.UnicodeText, nullable=False),
        *(sa.Column(name, sa.UnicodeText) for name in GENERATED),
        # JSON: what other steps made; NULL where there are none.
        sa.Column("extra", sa.UnicodeText),
    )
    return Target("csv_rows", "record_key", [rows])


files = sa.Table(
    "csv_files",
    sa.MetaData(),
    sa.Column("file_key", key_text(32), primary_key=True),
    sa.Column("uri", sa.Unicode(MAX_URI), nullable=False),
    # JSON: the range of all rows; as far as a plan has seen where each was limited.
    sa.Column("part", long_text(), nullable=False),
    sa.Column("planned_at", utc_timestamp(), nullable=False),
    sqlite_with_rowid=False,
)
"""What the keys of rows begin with -> the file as it was pinned: rows are found again by their keys."""
