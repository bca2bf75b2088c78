"""Change dates as drivers give them, and conditions on them: every moment counts as UTC unless it says otherwise."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mssql

from include.engine.errors import RecordRejected
from include.warehouse.window import Window

_DATETIME2: Any = mssql.DATETIME2
"""Its constructor carries no annotations."""


def version_of(value: object) -> str | None:
    """Sortable text, UTC with microseconds; raises `RecordRejected("source.change_date", …)`."""
    if value is None:
        return None
    if isinstance(value, str | bytes):
        try:
            text = value if isinstance(value, str) else value.decode("ascii")
            value = datetime.fromisoformat(text.strip())
        except ValueError:
            pass  # rejected below, so that the error's context does not hold the text
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if not isinstance(value, datetime):
        raise RecordRejected("source.change_date", "the change date is no date and time")
    return _in_utc(value).isoformat(timespec="microseconds")


def within(column: sa.ColumnElement[object], window: Window, dialect: str) -> sa.ColumnElement[bool]:
    """Rows whose change date lies in the window, and those that have none: a NULL must not hide a record for ever."""
    start, end = (_in_utc(moment).replace(tzinfo=None) for moment in (window.start, window.end))
    if dialect == "sqlite":
        # SQLite has text there, in any of the ISO forms: with T or a blank, with or without fraction and offset.
        # It makes NULL of what it cannot read, which then comes as well, to be read here or rejected.
        text = sa.func.strftime("%Y-%m-%d %H:%M:%f", column)
        return _between(text, start.isoformat(" ", "milliseconds"), end.isoformat(" ", "milliseconds"))
    # As a parameter, the driver would cut it to milliseconds, and SQL Server read it as `datetime`, from 1753 on.
    exact = [sa.cast(sa.literal(moment.isoformat("T", "microseconds")), _DATETIME2(6)) for moment in (start, end)]
    return _between(column, *exact)


def _between(moment: sa.ColumnElement[Any], start: object, end: object) -> sa.ColumnElement[bool]:
    return sa.or_(sa.and_(moment >= start, moment < end), moment.is_(None))


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
