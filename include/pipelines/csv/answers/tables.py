"""Where paid answers are kept, and who is asking for one now. Times are naive UTC."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from include.pipelines.csv.quota.settings import COUNTED_LENGTH
from include.warehouse.column_types import key_text, long_text, utc_timestamp

DIGEST_LENGTH = 64
OWNER_LENGTH = 64

metadata = sa.MetaData()

answers = sa.Table(
    "csv_answers",
    metadata,
    sa.Column("digest", key_text(DIGEST_LENGTH), primary_key=True),
    sa.Column("endpoint", key_text(COUNTED_LENGTH), nullable=False),
    sa.Column("value", long_text(), nullable=False),
    sa.Column("tokens", sa.Integer, nullable=False),
    sa.Column("paid_at", utc_timestamp(), nullable=False),
    sa.Index("ix_csv_answers_paid", "endpoint", "paid_at"),
    sqlite_with_rowid=False,
)
"""By content: step, and what determines its answer. Outlives runs; a row paid again replaces it. `endpoint` is what
quotas count it as: the service, or `service:model`."""

leases = sa.Table(
    "csv_answer_leases",
    metadata,
    sa.Column("digest", key_text(DIGEST_LENGTH), primary_key=True),
    sa.Column("owner", key_text(OWNER_LENGTH), nullable=False),
    sa.Column("expires_at", utc_timestamp(), nullable=False),
    sqlite_with_rowid=False,
)
"""Who asks a service for this answer now, for all tasks; one that expired may be taken by another."""

shares = sa.Table(
    "csv_quota_shares",
    metadata,
    sa.Column("endpoint", key_text(COUNTED_LENGTH), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("owner", key_text(OWNER_LENGTH), nullable=False),
    sa.Column("seen_at", utc_timestamp(), nullable=False),
    sa.Column("used", long_text(), nullable=False),
    sqlite_with_rowid=False,
)
"""Which task works with which share of a service's quotas (nobody: an empty owner), and what was used of it, as JSON
by kind and window."""


@dataclass(frozen=True, slots=True)
class PaidAnswer:
    """One answer of a service; the value does not show."""

    digest: str
    endpoint: str
    value: str = field(repr=False)
    tokens: int
    paid_at: datetime
    """Naive UTC, by this machine's clock."""
