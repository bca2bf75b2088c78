"""Values held to the length, range and scale of a type, where no table of the target does that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from include.engine.errors import RecordRejected
from include.pipelines.xml.language.column_types import ColumnType
from include.pipelines.xml.mapping.conversions import Unfit
from include.warehouse.encoders import encoder, integer_bounds, text_limit

Check = Callable[[Any], Any]
"""The function of one type: gives its value back or raises `Unfit`, in the words of the warehouse."""

_ALWAYS_FIT = ("bit", "date", "datetime", "uuid")
"""What the converters give of these."""


def fitting(column_type: ColumnType) -> Check | None:
    """For values of the type's Python class, not None; safe to call from many threads at once. None: each fits."""
    if column_type.kind in _ALWAYS_FIT:
        return None
    type_ = column_type.to_sql()
    checked = _checked(type_)
    if isinstance(type_, sa.String):
        return _text(text_limit(type_), checked)
    if isinstance(type_, sa.Integer):
        return _integer(*integer_bounds(type_), checked)
    return checked


def _checked(type_: sa.types.TypeEngine[Any]) -> Check:
    probe = sa.Table("the", sa.MetaData(), sa.Column("value", type_))
    encode = encoder(probe.columns["value"], "sqlite")

    def check(value: Any) -> Any:  # noqa: ANN401 - of the type
        try:
            encode(value)
        except RecordRejected as reject:
            fault = reject.message.removeprefix("the.value ")
        else:
            return value
        raise Unfit(fault)  # out here, so that nothing hangs on to the value

    return check


def _text(limit: int, checked: Check) -> Check:
    """Most texts are plainly short enough."""

    def check(value: str) -> Any:  # noqa: ANN401 - as others
        return value if len(value) <= limit and value.isascii() and "\0" not in value else checked(value)

    return check


def _integer(low: int, high: int, checked: Check) -> Check:
    def check(value: int) -> Any:  # noqa: ANN401 - as others
        return value if low <= value <= high else checked(value)

    return check
