"""Moments as FHIR servers write them, as versions of records and as numbers that a plan can halve."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from include.pipelines.fhir.client.search import instant

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def version_of(last_updated: str | None) -> str | None:
    """UTC to the microsecond, so that versions compare as text; None for what is no instant."""
    if last_updated is None:
        return None
    try:
        moment = datetime.fromisoformat(last_updated)
        if moment.tzinfo is None:
            return None
        return version_at(moment)
    except (ValueError, OverflowError):  # a leap second, the edges of the calendar: as if it were not there
        return None


def version_at(moment: datetime) -> str:
    """The same, of an aware moment."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def moment_at(version: str) -> datetime:
    """The inverse of `version_at`; raises `ValueError`."""
    moment = datetime.fromisoformat(version)
    if moment.tzinfo is None:
        raise ValueError("a moment without an offset")
    return moment


def milliseconds(moment: datetime) -> int:
    """Since 1970, cut."""
    return (moment - _EPOCH) // _MILLISECOND


def instant_at(number: int) -> str:
    """The FHIR instant of so many milliseconds since 1970."""
    return instant(_EPOCH + number * _MILLISECOND)
