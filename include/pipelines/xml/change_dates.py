"""Change dates as drivers give them, and conditions on them: every moment counts as UTC unless it says otherwise."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, time

import sqlalchemy as sa

from include.engine.errors import RecordRejected
from include.warehouse.window import Window


def version_of(value: object) -> str | None:
    """Sortable text, UTC with microseconds; raises `RecordRejected("source.change_date", …)`."""
    if value is None:
        return None
    if isinstance(value, str):
        # Rejected below, so that the error's context does not hold the text.
        with suppress(ValueError):
            value = datetime.fromisoformat(value.strip())
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if not isinstance(value, datetime):
        raise RecordRejected("source.change_date", "the change date is no date and time")
    return _in_utc(value).isoformat(timespec="microseconds")


def within(column: sa.ColumnElement[object], window: Window, dialect: str) -> sa.ColumnElement[bool]:
    """Rows whose change date lies in the window, and those that have none: a NULL must not hide a record for ever."""
    moment = column
    start: object = _in_utc(window.start).replace(tzinfo=None)
    end: object = _in_utc(window.end).replace(tzinfo=None)
    if dialect == "sqlite":
        # SQLite has text there, in any of the ISO forms: with T or a blank, with or without fraction and offset.
        moment = sa.func.strftime("%Y-%m-%d %H:%M:%f", column)
        start, end = _sqlite_text(window.start), _sqlite_text(window.end)
    return sa.or_(sa.and_(moment >= start, moment < end), column.is_(None))


def _sqlite_text(moment: datetime) -> str:
    return _in_utc(moment).replace(tzinfo=None).isoformat(" ", "milliseconds")


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
