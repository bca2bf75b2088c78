"""How long a server asks us to wait (RFC 9110, 10.2.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(r"\s*\d{1,9}(?:\.\d{1,9})?\s*")


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds, at least 0; None where the server asks for nothing that can be read.

    An HTTP date is compared with the server's own clock (`Date`), so that a clock that is wrong, here or there, makes
    no wait of hours; with `now` (UTC, aware) where the server does not tell the time.
    """
    asked = headers.get("retry-after", "")
    if _SECONDS.fullmatch(asked):
        return float(asked)
    until = http_date(asked)
    if until is None:
        return None
    return max((until - (http_date(headers.get("date", "")) or now)).total_seconds(), 0.0)


def http_date(text: str) -> datetime | None:
    """UTC, aware; None for what is no HTTP date."""
    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
