"""Literals as values of the form that stands beside them, or of the column that takes them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from include.engine.errors import RecordRejected
from include.pipelines.xml.formula.tree import Literal
from include.pipelines.xml.formula.types import MOMENTS, Form, Want, conversion, midnight, mismatch
from include.pipelines.xml.language.column_types import ColumnType
from include.pipelines.xml.mapping.conversions import Unfit, converter
from include.warehouse.encoders import encoder


def form_of_literal(literal: Literal) -> Form | None:
    """None for NULL."""
    match literal.value:
        case None:
            return None
        case bool():
            return "bit"
        case int():
            return "whole"
        case Decimal():
            return "decimal"
        case str():
            return "text"
        case date():
            return "date"


def may_be_bit(literal: Literal) -> bool:
    """1 and 0 are numbers beside numbers, and bits beside bits."""
    return form_of_literal(literal) == "whole" and literal.value in (0, 1)


def form_of_moment(literal: Literal) -> Form:
    """Of a text that stands where only a date can: the narrowest type whose form it has."""
    forms: tuple[Form, ...] = ("date", "datetimeoffset", "datetime")
    for form in forms:
        try:
            _read(str(literal.value), form)
        except Unfit:
            continue
        return form
    raise literal.at.error("DATEADD adds to a date, written as YYYY-MM-DD or YYYY-MM-DDThh:mm:ss")


def literal_value(literal: Literal, want: Want) -> Any:  # noqa: ANN401 - of the form wanted
    """None for NULL. Raises `FormulaError` for what cannot have the form, or does not fit the column."""
    form = form_of_literal(literal)
    if form is None:
        return None
    value: Any = literal.value
    try:
        if form == "text" and want.form in (*MOMENTS, "uuid"):
            value = _read(value, want.form)
        elif want.form == "bit" and may_be_bit(literal):
            value = bool(value)
        else:
            convert = conversion(form, want.form)
            value = value if convert is None else convert(value)
        if want.column is not None:
            _check_fit(value, want.column)
    except KeyError:
        raise mismatch(literal.at, form, want, is_literal=True) from None
    except Unfit as unfit:
        raise literal.at.error(f"this {unfit}") from None
    except RecordRejected as reject:
        raise literal.at.error(f"the {reject.message.removeprefix('formula.')}") from None
    return value


def _read(text: str, form: Form) -> Any:  # noqa: ANN401 - of the form
    """Raises `Unfit`."""
    if form == "datetime":
        try:
            return midnight(_read(text, "date"))
        except Unfit:
            pass
    match form:
        case "date" | "datetime" | "datetimeoffset" | "uuid":
            convert = converter(form)
            return text if convert is None else convert(text)
    return text


def _check_fit(value: object, column: ColumnType) -> None:
    """Raises `RecordRejected` for what every row would be rejected for."""
    probe = sa.Table("formula", sa.MetaData(), sa.Column("column", column.to_sql()))
    encoder(probe.columns["column"], "sqlite")(value)
