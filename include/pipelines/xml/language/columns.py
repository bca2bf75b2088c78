"""One column of a contract: where its value comes from and what it becomes."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal, Self

from pydantic import ConfigDict, Field, StrictBool, field_validator, model_validator

from include.pipelines.xml.formula.language import parse_formula
from include.pipelines.xml.formula.tree import Expression
from include.pipelines.xml.language.column_types import ColumnType, parse_type
from include.pipelines.xml.language.literals import ScalarValue, literal_reader
from include.pipelines.xml.language.model import ContractModel, Identifier, OpenPathText, Scalar, TypeText
from include.pipelines.xml.language.steps import Step
from include.pipelines.xml.mapping.conversions import Unfit

Repeated = Literal["reject", "first", "last"]

SOURCES = ("path", "constant", "calculate", "take")

_OF_PATHS = ("from_", "steps", "repeated")
_OF_TEXTS = ("trim", "empty", "unparsable")


class Column(ContractModel):
    """A column of the target, or a field: the same, but not written."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [source]} for source in SOURCES]})

    name: Identifier
    """Of the target's column."""

    type: TypeText
    """string(n), text, tinyint, smallint, int, bigint, decimal(p,s), float, bit, date, datetime,
    datetimeoffset, uuid."""

    path: OpenPathText | None = None
    """From the table's row element: element steps (`a/b`), an attribute (`@id`, `a/b/@id`), or `.`, its own text."""

    from_: str | None = Field(default=None, alias="from")
    """The selection whose element the path starts at. Left out: the row's element."""

    constant: Scalar = None
    """The same value in every row."""

    calculate: str | None = None
    """A formula over other columns and fields."""

    take: Literal["item_name", "item_value", "group_name"] | None = None
    """In tables with items or groups: what the row was made from."""

    description: str = ""
    """For readers; nothing depends on it."""

    nullable: StrictBool | None = None
    """Whether the target's column takes NULL. Left out: yes, unless required or part of the primary key."""

    required: StrictBool = False
    """A record without a value here is rejected."""

    default: Scalar = None
    """Taken where there is no value; dates and decimals may stand as text."""

    fills: StrictBool = True
    """Whether a value from the document makes its row worth writing, where that is asked."""

    steps: list[Step] = Field(default_factory=list)
    """What is done to the text, in order, before it becomes a value of the type."""

    trim: StrictBool = True
    """Drop white space at both ends. Only text columns may keep it."""

    empty: Literal["missing", "text"] = "missing"
    """What an element that is there but empty means: no value (NULL), or empty text."""

    repeated: Repeated = "reject"
    """Where the path finds several values: reject the record, or take the first or last in document order."""

    too_long: Literal["reject", "truncate"] = "reject"
    """Text beyond string(n), in UTF-16 units: reject the record, or cut it and count that."""

    unparsable: Literal["reject", "null"] = "reject"
    """A value without the form of its type, or that a step cannot use: reject the record, or take none and count it."""

    @field_validator("calculate")
    @classmethod
    def _formula_is_sound(cls, text: str | None) -> str | None:
        if text is not None:
            parse_formula(text)
        return text

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        self._check_source()
        if self.required and self.default is not None:
            raise ValueError("required and default exclude each other: a default is there for missing values")
        if self.nullable is False and not self.always_filled:
            raise ValueError("not nullable, so it must be required or have a default")
        if not self.parsed_type.is_text and (not self.trim or self.empty == "text"):
            raise ValueError(f"trim and empty are for text columns; {self.type} values are always trimmed")
        if self.too_long == "truncate" and self.parsed_type.kind != "string":
            raise ValueError(f"too_long is for string(n) columns, not for {self.type}")
        for what in ("default", "constant"):
            try:
                self._typed(getattr(self, what))
            except Unfit as unfit:
                raise ValueError(f"the {what} does not fit {self.type}: {unfit}") from None
        return self

    def _check_source(self) -> None:
        given = [name for name in SOURCES if getattr(self, name) is not None]
        if len(given) != 1:
            found = f"it has {' and '.join(given)}" if given else "it has none"
            raise ValueError(f"a column has exactly one of path, constant, calculate, take; {found}")
        (source,) = given
        foreign: tuple[str, ...] = () if source == "path" else _OF_PATHS
        if source != "path" and self.take != "item_value":
            foreign += _OF_TEXTS
        if source in ("constant", "take") and self.take != "item_value":
            foreign += ("too_long",)
        set_here = [name.rstrip("_") for name in foreign if name in self.model_fields_set]
        if set_here:
            raise ValueError(f"{', '.join(set_here)}: for values of a path, and this one comes by {source}")
        if source in ("constant", "take") and self.default is not None:
            raise ValueError(f"a column with {source} always has a value, so it takes no default")

    @property
    def always_filled(self) -> bool:
        """Whether a row that is written has a value here."""
        return self.required or any(value is not None for value in (self.default, self.constant, self.take))

    @cached_property
    def parsed_type(self) -> ColumnType:
        """The type's parts."""
        return parse_type(self.type)

    @cached_property
    def formula(self) -> Expression | None:
        """The formula as parsed."""
        return None if self.calculate is None else parse_formula(self.calculate)

    @cached_property
    def default_value(self) -> Any:  # noqa: ANN401 - of the column's type
        """The default as a value of a row."""
        return self._typed(self.default)

    @cached_property
    def constant_value(self) -> Any:  # noqa: ANN401 - of the column's type
        """The constant as a value of a row."""
        return self._typed(self.constant)

    def _typed(self, literal: ScalarValue | None) -> Any:  # noqa: ANN401 - of the column's type
        return None if literal is None else literal_reader(self.parsed_type)(literal)
