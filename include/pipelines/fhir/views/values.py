"""From FHIR's values to those that a column's SQL type takes; nothing is cut or rounded on the way."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from include.pipelines.fhir.fhirpath.compiled import Item
from include.pipelines.fhir.fhirpath.equality import moment
from include.pipelines.fhir.fhirpath.errors import EvaluationError
from include.pipelines.fhir.fhirpath.numbers import is_number, number
from include.pipelines.fhir.fhirpath.strings import written
from include.pipelines.fhir.views.column_types import ColumnType, Kind

Convert = Callable[[Item], Any]
"""Gets no None; raises `EvaluationError`."""

_to_json = msgspec.json.Encoder(decimal_format="number").encode
_is_big_integer = re.compile(r"-?[0-9]{1,19}").fullmatch
_is_whole = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?:Z|[+-][0-9]{2}:[0-9]{2})"
).fullmatch
_WHOLE_DATE = 10
"""Characters of `2015-02-04`."""


def as_boolean(value: Item) -> bool:
    """Only JSON's true and false."""
    if isinstance(value, bool):
        return value
    raise EvaluationError("value_type")


def as_integer(value: Item) -> int:
    """Only numbers written without a point."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise EvaluationError("value_type")


def as_big_integer(value: Item) -> int:
    """Also of text: R5 writes integer64 so."""
    return int(value) if isinstance(value, str) and _is_big_integer(value) else as_integer(value)


def as_decimal(value: Item) -> Decimal:
    """The very digits of the resource."""
    if is_number(value):
        return Decimal(number(value))
    raise EvaluationError("value_type")


def as_float(value: Item) -> float:
    """The nearest one: the view asked for it."""
    nearest = float(as_decimal(value))
    if math.isinf(nearest):
        raise EvaluationError("arithmetic")
    return nearest


def as_date(value: Item) -> date:
    """Of a whole date, or of the day that a dateTime writes; a partial one is an error."""
    if not isinstance(value, str):
        raise EvaluationError("value_type")
    if len(moment(value).day) == 3:
        return date.fromisoformat(value[:_WHOLE_DATE])
    raise EvaluationError("precision")


def as_aware(value: Item) -> datetime:
    """With its offset, to the microsecond; a dateTime without time of day or offset is an error."""
    if not isinstance(value, str):
        raise EvaluationError("value_type")
    if not _is_whole(value):
        moment(value)
        raise EvaluationError("precision")
    try:
        found = datetime.fromisoformat(value)
        found.astimezone(UTC)  # where databases keep it
    except (ValueError, OverflowError):  # a leap second, an offset of a day and more, the edges of the calendar
        raise EvaluationError("not_temporal") from None
    return found


def as_utc(value: Item) -> datetime:
    """In UTC, without saying so."""
    return as_aware(value).astimezone(UTC).replace(tzinfo=None)


def as_bytes(value: Item) -> bytes:
    """From base64, which may hold white space."""
    if not isinstance(value, str):
        raise EvaluationError("value_type")
    try:
        return base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        raise EvaluationError("binary") from None


def as_json(value: Item) -> str:
    """Objects and collections, with numbers as they were written."""
    return _to_json(value).decode()


CONVERSIONS: dict[Kind, Convert] = {
    "boolean": as_boolean,
    "smallint": as_integer,
    "integer": as_integer,
    "bigint": as_big_integer,
    "decimal": as_decimal,
    "float": as_float,
    "text": written,
    "date": as_date,
    "timestamp": as_utc,
    "timestamptz": as_aware,
    "binary": as_bytes,
}


def conversion(kept_in: ColumnType, *, complex_type: bool) -> Convert:
    """For the values of a column that is no collection."""
    return as_json if complex_type else CONVERSIONS[kept_in.kind]


def as_array(values: Sequence[Item]) -> str:
    """A collection, also of one value."""
    return as_json(list(values))
