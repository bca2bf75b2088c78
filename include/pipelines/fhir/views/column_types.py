"""The SQL types of columns: what a FHIR type is kept in, or what the tag `ansi/type` asks for."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from include.pipelines.fhir.fhirpath.elements import DATATYPES, PRIMITIVES
from include.warehouse.column_types import MAX_PRECISION, MAX_SIZED_TEXT

Kind = Literal[
    "boolean", "smallint", "integer", "bigint", "decimal", "float",
    "text", "date", "timestamp", "timestamptz", "binary",
]  # fmt: skip

ANSI_TYPE = "ansi/type"
"""The tag that names a column's SQL type."""


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A SQL type; `length` counts UTF-16 units, the unit of SQL Server's nvarchar, and 0 is unbounded."""

    kind: Kind
    length: int = 0
    precision: int = 0
    scale: int = 0

    def to_sql(self) -> sa.types.TypeEngine[Any]:
        """The SQLAlchemy type of the table's column."""
        match self.kind:
            case "text":
                return sa.Unicode(self.length) if self.length else sa.UnicodeText()
            case "decimal":
                return sa.Numeric(self.precision, self.scale)
            case kind:
                return _PLAIN[kind]()


_PLAIN: dict[str, Callable[[], sa.types.TypeEngine[Any]]] = {
    "boolean": lambda: sa.Boolean(create_constraint=False),
    "smallint": sa.SmallInteger,
    "integer": sa.Integer,
    "bigint": sa.BigInteger,
    "float": sa.Float,
    "date": sa.Date,
    "timestamp": sa.DateTime,
    "timestamptz": lambda: sa.DateTime(timezone=True),
    "binary": sa.LargeBinary,
}

LONG_TEXT = ColumnType("text")

DEFAULTS: dict[str, ColumnType] = {
    "base64Binary": ColumnType("binary"),
    "boolean": ColumnType("boolean"),
    "canonical": ColumnType("text", 2000),
    "code": ColumnType("text", 255),
    "date": ColumnType("text", 10),
    "dateTime": ColumnType("text", 48),
    "decimal": ColumnType("text", 128),
    "id": ColumnType("text", 64),
    "instant": ColumnType("timestamptz"),
    "integer": ColumnType("integer"),
    "integer64": ColumnType("bigint"),
    "markdown": LONG_TEXT,
    "oid": ColumnType("text", 255),
    "positiveInt": ColumnType("integer"),
    "string": ColumnType("text", MAX_SIZED_TEXT),
    "time": ColumnType("text", 32),
    "unsignedInt": ColumnType("integer"),
    "uri": ColumnType("text", 2000),
    "url": ColumnType("text", 2000),
    "uuid": ColumnType("text", 64),
    "xhtml": LONG_TEXT,
}
"""The specification's default mapping: what may be partial (dates) or has a precision of its own (decimals) stays text
as FHIR writes it, unless the view asks for more with the tag."""

_FHIR_TYPES = "http://hl7.org/fhir/StructureDefinition/"
_SYSTEM_TYPES = "http://hl7.org/fhirpath/System."

_ANSI = re.compile(r"(?P<name>[A-Z]+(?: [A-Z]+)*?) ?(?:\( ?(?P<first>\d{1,5}|MAX)(?: ?, ?(?P<second>\d{1,3}))? ?\))? ?"
                   r"(?P<zone>(?:WITH|WITHOUT) TIME ZONE)?")  # fmt: skip
_ANSI_KINDS: dict[str, Kind] = {
    **dict.fromkeys(("BOOLEAN", "BIT"), "boolean"),
    "SMALLINT": "smallint",
    **dict.fromkeys(("INT", "INTEGER"), "integer"),
    "BIGINT": "bigint",
    **dict.fromkeys(("DEC", "DECIMAL", "NUMERIC"), "decimal"),
    **dict.fromkeys(("FLOAT", "REAL", "DOUBLE PRECISION"), "float"),
    **dict.fromkeys(("CHAR", "CHARACTER", "CHARACTER VARYING", "CHAR VARYING", "VARCHAR"), "text"),
    **dict.fromkeys(("NATIONAL CHARACTER VARYING", "NCHAR VARYING", "NVARCHAR", "CLOB", "TEXT"), "text"),
    "CHARACTER LARGE OBJECT": "text",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    **dict.fromkeys(("BINARY", "BINARY VARYING", "VARBINARY", "BINARY LARGE OBJECT", "BLOB"), "binary"),
}

_TEXTS = {"text"}
_NUMBERS = {"smallint", "integer", "bigint", "decimal", "float", "text"}
_MOMENTS = {"date", "timestamp", "timestamptz", "text"}
_FITTING: dict[str, set[str]] = {
    "boolean": {"boolean", "text"},
    "base64Binary": {"binary", "text"},
    **dict.fromkeys(("integer", "integer64", "positiveInt", "unsignedInt"), _NUMBERS),
    "decimal": {"decimal", "float", "text"},
    "date": {"date", "text"},
    **dict.fromkeys(("dateTime", "instant"), _MOMENTS),
}
"""Kinds that a FHIR type may be kept in; texts for all others."""


def fhir_type(text: str) -> str:
    """The name of a column's `type`, which may be a canonical; raises `ValueError` for one that FHIR does not have."""
    name = text.removeprefix(_FHIR_TYPES)
    if text.startswith(_SYSTEM_TYPES):
        name = text.removeprefix(_SYSTEM_TYPES)
        name = name[:1].lower() + name[1:]
    if name not in DATATYPES and not name[:1].isupper():
        raise ValueError(f"FHIR has no type {name}")
    return name


def is_complex(type_name: str) -> bool:
    """Whether values are objects: they are kept as JSON text."""
    return type_name not in PRIMITIVES


def column_type(type_name: str, ansi: str | None, *, collection: bool) -> ColumnType:
    """What a column of that FHIR type is kept in; raises `ValueError` where the tag does not fit."""
    as_json = collection or is_complex(type_name)
    if ansi is None:
        return LONG_TEXT if as_json else DEFAULTS[type_name]
    asked = parse_ansi(ansi)
    if as_json and asked.kind != "text":
        raise ValueError(f"{ansi}: a collection or object is kept as JSON text; use CHARACTER VARYING or no tag")
    if asked.kind not in _FITTING.get(type_name, _TEXTS):
        raise ValueError(f"{ansi}: values of type {type_name} do not fit into it")
    return asked


def parse_ansi(text: str) -> ColumnType:
    """A type of ISO/IEC 9075 as tags write it; raises `ValueError` that says what is wrong."""
    found = _ANSI.fullmatch(" ".join(text.upper().split()))
    kind = _ANSI_KINDS.get(found["name"]) if found else None
    if found is None or kind is None:
        raise ValueError(f"{text}: no type that is supported; there are {', '.join(sorted(_ANSI_KINDS))}")
    if found["zone"] and kind != "timestamp":
        raise ValueError(f"{text}: only TIMESTAMP has a time zone")
    sizes = (found["first"], found["second"])
    if kind == "text":
        return _text(text, *sizes)
    if kind == "decimal":
        return _decimal(text, *sizes)
    return ColumnType("timestamptz" if found["zone"] == "WITH TIME ZONE" else kind)


def _text(text: str, length: str | None, more: str | None) -> ColumnType:
    if length is None or length == "MAX":
        return LONG_TEXT
    if more is not None or not 0 < int(length) <= MAX_SIZED_TEXT:
        raise ValueError(f"{text}: give one length of 1 to {MAX_SIZED_TEXT}, or none for text without a bound")
    return ColumnType("text", int(length))


def _decimal(text: str, precision: str | None, scale: str | None) -> ColumnType:
    if precision is None or precision == "MAX":
        raise ValueError(f"{text}: give precision and scale, such as DECIMAL(38, 24)")
    digits, places = int(precision), int(scale or 0)
    if not 0 < digits <= MAX_PRECISION or places > digits:
        raise ValueError(f"{text}: the precision goes up to {MAX_PRECISION}, the scale up to the precision")
    return ColumnType("decimal", precision=digits, scale=places)
