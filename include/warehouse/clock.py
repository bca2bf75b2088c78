"""The time that the house writes into its tables."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Naive, in UTC: every column of the house's tables is so."""
    return datetime.now(UTC).replace(tzinfo=None)
