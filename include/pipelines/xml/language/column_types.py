"""The types that a contract gives its columns: `string(40)`, `decimal(12,2)`, `date` and so on."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import sqlalchemy as sa

from include.warehouse.column_types import MAX_PRECISION, MAX_SIZED_TEXT, TinyInteger

Kind = Literal[
    "string", "text", "tinyint", "smallint", "int", "bigint", "decimal", "float", "bit",
    "date", "datetime", "datetimeoffset", "uuid",
]  # fmt: skip

KINDS: tuple[Kind, ...] = get_args(Kind)

TYPE_PATTERN = r"^(string\([0-9]+\)|decimal\([0-9]+,[0-9]+\)|" + "|".join(
    kind for kind in KINDS if kind not in ("string", "decimal")
) + r")$"  # fmt: skip
"""For the published JSON Schema; `parse_type` is stricter and says what is wrong."""

_FORM = re.compile(r"([a-z]+)(?:\(([0-9]{1,6})(?:,([0-9]{1,6}))?\))?")


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A type as parsed; `length` counts UTF-16 units, the unit of SQL Server's nvarchar."""

    kind: Kind
    length: int = 0
    precision: int = 0
    scale: int = 0

    @property
    def is_text(self) -> bool:
        """Whether values stay text."""
        return self.kind in ("string", "text")

    @property
    def text(self) -> str:
        """As contracts write it."""
        match self.kind:
            case "string":
                return f"string({self.length})"
            case "decimal":
                return f"decimal({self.precision},{self.scale})"
            case kind:
                return kind

    def to_sql(self) -> sa.types.TypeEngine[Any]:
        """The SQLAlchemy type of the target's column."""
        match self.kind:
            case "string":
                return sa.Unicode(self.length)
            case "decimal":
                return sa.Numeric(self.precision, self.scale)
            case kind:
                return _PLAIN[kind]()


_PLAIN: dict[str, Callable[[], sa.types.TypeEngine[Any]]] = {
    "text": sa.UnicodeText,
    "tinyint": TinyInteger,
    "smallint": sa.SmallInteger,
    "int": sa.Integer,
    "bigint": sa.BigInteger,
    "float": sa.Float,
    "bit": lambda: sa.Boolean(create_constraint=False),
    "date": sa.Date,
    "datetime": sa.DateTime,
    "datetimeoffset": lambda: sa.DateTime(timezone=True),
    "uuid": sa.Uuid,
}


def parse_type(text: str) -> ColumnType:
    """Raises `ValueError` that says what is wrong with the text of a type."""
    found = _FORM.fullmatch(text)
    kind = next((kind for kind in KINDS if found and found[1] == kind), None)
    if found is None or kind is None:
        raise ValueError(f"{text}: no such type; types are string(n), decimal(p,s), {', '.join(_PLAIN)}")
    first, second = (None if group is None else int(group) for group in found.group(2, 3))
    match kind:
        case "string":
            return _string(text, first, second)
        case "decimal":
            return _decimal(text, first, second)
        case _ if first is not None:
            raise ValueError(f"{text}: {kind} takes no size")
    return ColumnType(kind)


def _string(text: str, length: int | None, more: int | None) -> ColumnType:
    if length is None or more is not None:
        raise ValueError(f"{text}: give one length, as in string(40)")
    if not 0 < length <= MAX_SIZED_TEXT:
        raise ValueError(f"{text}: the length must be 1 to {MAX_SIZED_TEXT}; longer columns are of type text")
    return ColumnType("string", length=length)


def _decimal(text: str, precision: int | None, scale: int | None) -> ColumnType:
    if precision is None or scale is None:
        raise ValueError(f"{text}: give precision and scale, as in decimal(12,2)")
    if not 0 < precision <= MAX_PRECISION:
        raise ValueError(f"{text}: the precision must be 1 to {MAX_PRECISION}")
    if scale > precision:
        raise ValueError(f"{text}: scale exceeds precision")
    return ColumnType("decimal", precision=precision, scale=scale)
