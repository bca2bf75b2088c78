"""One column of a contract: where its value stands and what it becomes."""

from __future__ import annotations

from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, Literal, Self

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema, field_validator, model_validator

from include.engine.errors import RecordRejected
from include.pipelines.xml.column_types import TYPE_PATTERN, ColumnType, parse_type
from include.pipelines.xml.conversions import Unfit, converter
from include.pipelines.xml.paths import PATH_PATTERN, Path, parse_path
from include.warehouse.encoders import encoder

IDENTIFIER_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]{0,99}$"
"""Names of tables and columns: they need no quotes on any server."""

Identifier = Annotated[str, Field(pattern=IDENTIFIER_PATTERN)]

ScalarValue = bool | int | Decimal | str


def _scalar(value: object) -> object:
    if value is None or isinstance(value, ScalarValue):
        return value
    raise ValueError("a default is text, a number, true or false")


Scalar = Annotated[
    ScalarValue | None,
    PlainValidator(_scalar),
    WithJsonSchema({"type": ["boolean", "number", "string", "null"]}),
]
TypeText = Annotated[str, WithJsonSchema({"type": "string", "pattern": TYPE_PATTERN})]
PathText = Annotated[str, WithJsonSchema({"type": "string", "pattern": PATH_PATTERN})]


class ContractModel(BaseModel):
    """What every part of a contract shares: unknown names are mistakes, and nothing changes after reading."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Column(ContractModel):
    """A mapped column."""

    name: Identifier
    """Of the target's column."""

    type: TypeText
    """string(n), text, tinyint, smallint, int, bigint, decimal(p,s), float, bit, date, datetime,
    datetimeoffset, uuid."""

    path: PathText
    """From the table's row element: element steps (`a/b`), an attribute (`@id`, `a/b/@id`), or `.`, its own text."""

    description: str = ""
    """For readers; nothing depends on it."""

    nullable: bool | None = None
    """Whether the target's column takes NULL. Left out: yes, unless required or part of the primary key."""

    required: bool = False
    """A record without a value here is rejected."""

    default: Scalar = None
    """Taken where the document has no value; dates and decimals may stand as text."""

    trim: bool = True
    """Drop white space at both ends. Only text columns may keep it."""

    empty: Literal["missing", "text"] = "missing"
    """What an element that is there but empty means: no value (NULL), or empty text."""

    repeated: Literal["reject", "first", "last"] = "reject"
    """Where the path finds several values: reject the record, or take the first or last in document order."""

    @field_validator("type")
    @classmethod
    def _type_is_known(cls, text: str) -> str:
        parse_type(text)
        return text

    @field_validator("path")
    @classmethod
    def _path_is_known(cls, text: str) -> str:
        parse_path(text)
        return text

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.required and self.default is not None:
            raise ValueError("required and default exclude each other: a default is there for missing values")
        if self.nullable is False and not self.required and self.default is None:
            raise ValueError("not nullable, so it must be required or have a default")
        if not self.parsed_type.is_text and (not self.trim or self.empty == "text"):
            raise ValueError(f"trim and empty are for text columns; {self.type} values are always trimmed")
        try:
            self.default_value  # noqa: B018 - evaluated for its faults
        except (Unfit, RecordRejected) as error:
            text = error.message if isinstance(error, RecordRejected) else str(error)
            raise ValueError(f"the default does not fit {self.type}: {text.removeprefix('default.default ')}") from None
        return self

    @cached_property
    def parsed_type(self) -> ColumnType:
        """The type's parts."""
        return parse_type(self.type)

    @cached_property
    def parsed_path(self) -> Path:
        """The path's parts."""
        return parse_path(self.path)

    @cached_property
    def default_value(self) -> Any:  # noqa: ANN401 - of the column's type
        """The default as a value of a row; raises `Unfit` or `RecordRejected` when it does not fit the type."""
        if self.default is None:
            return None
        value = _typed(self.default, self.parsed_type)
        probe = sa.Table("default", sa.MetaData(), sa.Column("default", self.parsed_type.to_sql()))
        encoder(probe.columns["default"], "sqlite")(value)
        return value


def _typed(literal: ScalarValue, column_type: ColumnType) -> Any:  # noqa: ANN401 - of the column's type
    convert = converter(column_type.kind)
    is_bit = column_type.kind == "bit"
    if isinstance(literal, bool) != is_bit:
        raise Unfit("write true or false" if is_bit else "true and false are for bit columns")
    if convert is None:
        if not isinstance(literal, str):
            raise Unfit("write it as text, in quotes")
        return literal
    if isinstance(literal, bool):
        return literal
    return convert(format(literal, "f") if isinstance(literal, Decimal) else str(literal))
