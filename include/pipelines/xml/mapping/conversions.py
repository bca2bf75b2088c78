"""Text of a document to Python values, by type: strict, and the lexical forms are those of XML Schema.

A converter takes text that is trimmed and not empty, and raises `Unfit`, whose message never holds the text.
Ranges, lengths and scales belong to the tables: the warehouse checks them when it fits the rows.

Python's own constructors take more than XML Schema does (digits of any script, `1_000`, `NaN`, dates by week), so
each is guarded, the frequent forms by string methods: a regular expression costs more than the conversion.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from include.pipelines.xml.language.column_types import Kind

Convert = Callable[[str], Any]

XML_SPACE = " \t\r\n"
"""What XML calls white space; `str.strip()` alone would also take a no-break space, which is text."""

MAX_DIGITS = 100
"""Longer numbers are refused: the conversion of a million digits is not linear, and no column holds them."""

_WHOLE = re.compile(r"[+-]?[0-9]+").fullmatch
_DECIMAL_CHARACTERS = "0123456789.+-"
_FLOAT = re.compile(r"[+-]?(?:[0-9]{1,60}(?:\.[0-9]{0,60})?|\.[0-9]{1,60})(?:[eE][+-]?[0-9]{1,3})?").fullmatch
_ZONED_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])").fullmatch
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}[T ](?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?)[0-9]{0,6}"
    r"(Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])?"
).fullmatch
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}").fullmatch
_BITS = {"true": True, "1": True, "false": False, "0": False}


class Unfit(Exception):
    """The text has not the form of its type; the message says which form that is."""


def _to_int(text: str) -> int:
    if len(text) <= MAX_DIGITS and ((text.isdecimal() and text.isascii()) or _WHOLE(text)):
        return int(text)
    raise Unfit("is no whole number")


def _to_decimal(text: str) -> Decimal:
    if len(text) <= MAX_DIGITS and not text.strip(_DECIMAL_CHARACTERS):
        try:
            return Decimal(text)
        except InvalidOperation:
            pass  # raised below, so that the error's context does not hold the text
    raise Unfit("is no decimal number (digits with a point, no exponent, no thousands separator)")


def _to_float(text: str) -> float:
    if _FLOAT(text):
        return float(text)
    raise Unfit("is no number")


def _to_bit(text: str) -> bool:
    value = _BITS.get(text)
    if value is None:
        raise Unfit("is none of true, false, 1, 0")
    return value


def _to_date(text: str) -> date:
    """A zone offset is allowed, as XML Schema has it, and dropped: the day is the one that was written."""
    if (len(text) == 10 and text[4] == "-" == text[7]) or _ZONED_DATE(text):
        try:
            return date.fromisoformat(text[:10])
        except ValueError:
            pass
    raise Unfit("is no date (YYYY-MM-DD)")


def _moment(text: str) -> tuple[datetime, str | None] | None:
    """The time as written, without its offset, and the offset."""
    found = _TIME(text)
    if found is None:
        return None
    written, offset = found.groups()
    try:
        return datetime.fromisoformat(written), offset
    except ValueError:
        return None


def _to_datetime(text: str) -> datetime:
    """Naive. With an offset it is turned to UTC, without one it stays as written; cut at the microsecond."""
    moment = _moment(text)
    if moment is not None:
        written, offset = moment
        if offset is None or offset == "Z":
            return written
        try:
            return written - _shift(offset)
        except OverflowError:
            pass
    raise Unfit("is no date and time (YYYY-MM-DDThh:mm:ss, fraction and offset optional)")


def _to_datetimeoffset(text: str) -> datetime:
    """Aware; the offset stays as written."""
    moment = _moment(text)
    if moment is not None:
        written, offset = moment
        if offset is not None:
            return written.replace(tzinfo=UTC if offset == "Z" else timezone(_shift(offset)))
    raise Unfit("is no date and time with an offset (YYYY-MM-DDThh:mm:ss+hh:mm or Z)")


def _shift(offset: str) -> timedelta:
    shift = timedelta(hours=int(offset[1:3]), minutes=int(offset[4:6]))
    return -shift if offset[0] == "-" else shift


def _to_uuid(text: str) -> UUID:
    if _UUID(text):
        return UUID(text)
    raise Unfit("is no UUID")


_CONVERTERS: dict[Kind, Convert | None] = {
    "string": None,
    "text": None,
    "tinyint": _to_int,
    "smallint": _to_int,
    "int": _to_int,
    "bigint": _to_int,
    "decimal": _to_decimal,
    "float": _to_float,
    "bit": _to_bit,
    "date": _to_date,
    "datetime": _to_datetime,
    "datetimeoffset": _to_datetimeoffset,
    "uuid": _to_uuid,
}


def converter(kind: Kind) -> Convert | None:
    """None for text, which stays as it is."""
    return _CONVERTERS[kind]
