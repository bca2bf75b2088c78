"""What every part of a contract is made of: its model, identifiers, literal values and paths."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema

from include.pipelines.xml.language.column_types import TYPE_PATTERN, parse_type
from include.pipelines.xml.language.literals import ScalarValue
from include.pipelines.xml.language.paths import (
    OPEN_PATH_PATTERN,
    OPEN_ROWS_PATTERN,
    PATH_PATTERN,
    ROWS_PATTERN,
    filled_in,
    parse_path,
    parse_rows,
)

IDENTIFIER_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]{0,99}$"
"""Names of tables and columns: they need no quotes on any server."""

ANY_GROUP = "group"
"""Stands for the element of any group where the form of a path is checked."""


def _scalar(value: object) -> object:
    if value is None or isinstance(value, ScalarValue):
        return value
    raise ValueError("write text, a number, true or false")


def _value(value: object) -> object:
    if isinstance(value, ScalarValue):
        return value
    raise ValueError("write text, a number, true or false")


def _type(text: str) -> str:
    parse_type(text)
    return text


def _path(text: str) -> str:
    parse_path(text)
    return text


def _rows(text: str) -> str:
    parse_rows(text)
    return text


def _open_path(text: str) -> str:
    parse_path(filled_in(text, ANY_GROUP))
    return text


def _open_rows(text: str) -> str:
    parse_rows(filled_in(text, ANY_GROUP))
    return text


def _schema(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern})


Identifier = Annotated[str, Field(pattern=IDENTIFIER_PATTERN)]
Scalar = Annotated[
    ScalarValue | None,
    PlainValidator(_scalar),
    WithJsonSchema({"type": ["boolean", "number", "string", "null"]}),
]
"""Null is as good as left out."""

Value = Annotated[
    ScalarValue,
    PlainValidator(_value),
    WithJsonSchema({"type": ["boolean", "number", "string"]}),
]

TypeText = Annotated[str, AfterValidator(_type), _schema(TYPE_PATTERN)]
PathText = Annotated[str, AfterValidator(_path), _schema(PATH_PATTERN)]
RowsText = Annotated[str, AfterValidator(_rows), _schema(ROWS_PATTERN)]
OpenPathText = Annotated[str, AfterValidator(_open_path), _schema(OPEN_PATH_PATTERN)]
"""May hold `{group}`."""
OpenRowsText = Annotated[str, AfterValidator(_open_rows), _schema(OPEN_ROWS_PATTERN)]
"""May hold `{group}`."""


class ContractModel(BaseModel):
    """What every part of a contract shares: unknown names are mistakes, and nothing changes after reading."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
