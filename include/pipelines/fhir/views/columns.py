"""The columns of a view, in the order of its rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from include.pipelines.fhir.fhirpath.compiled import Compiled
from include.pipelines.fhir.views.column_types import ANSI_TYPE, ColumnType, Kind, column_type, fhir_type, is_complex
from include.pipelines.fhir.views.definition import Column
from include.pipelines.fhir.views.values import Convert, as_array, conversion


@dataclass(frozen=True, slots=True)
class ViewColumn:
    """A column as compiled."""

    name: str
    type: str
    """FHIR's name of its type: declared, or told by the expression, or string."""
    collection: bool
    kept_in: ColumnType

    @property
    def convert(self) -> Convert:
        """From a value, or from all of a collection's, to what the table holds."""
        if self.collection:
            return as_array
        return conversion(self.kept_in, complex_type=is_complex(self.type))


_KEPT: dict[Kind, type] = {
    "boolean": bool,
    "smallint": int,
    "integer": int,
    "bigint": int,
    "decimal": Decimal,
    "text": str,
}


def kept_as_is(column: ViewColumn) -> type:
    """The type of values that the table takes without a conversion; None's where it takes none so."""
    as_json = column.collection or is_complex(column.type)
    return type(None) if as_json else _KEPT.get(column.kept_in.kind, type(None))


Conversions = Callable[[ViewColumn], Convert]


def to_sql(column: ViewColumn) -> Convert:
    """Values as the view's table holds them."""
    return column.convert


def to_fhir(column: ViewColumn) -> Convert:
    """Values as the resource has them; a collection is a list."""
    return list if column.collection else _same


def _same(value: object) -> object:
    return value


def column_of(column: Column, compiled: Compiled) -> ViewColumn:
    """Raises `ValueError` where declared types do not fit each other or the expression."""
    inferred = compiled.type or "string"
    declared = inferred if column.type is None else fhir_type(column.type)
    ansi = next((tag.value for tag in column.tag if tag.name == ANSI_TYPE), None)
    kept_in = column_type(declared, ansi, collection=column.collection)
    known = compiled.type is not None and compiled.made and not column.collection
    if known and not _fits(inferred, declared, kept_in):
        raise ValueError(f"the expression gives {inferred}, the column is declared {declared}")
    return ViewColumn(column.name, declared, column.collection, kept_in)


def united(one: ViewColumn, other: ViewColumn) -> ViewColumn:
    """The column that holds the values of both branches of a union; raises `ValueError` where none does."""
    kept, added = one.kept_in, other.kept_in
    if (one.collection, is_complex(one.type)) != (other.collection, is_complex(other.type)) or kept.kind != added.kind:
        raise ValueError(f"{other.name} is of another type in the first of the union")
    if kept == added:
        return one
    if kept.kind != "text":
        raise ValueError(f"{other.name} is kept in another type in the first of the union")
    length = max(kept.length, added.length) if kept.length and added.length else 0
    return replace(one, kept_in=ColumnType("text", length))


def _fits(given: str, declared: str, kept_in: ColumnType) -> bool:
    """Whether what the expression always gives can be held at all; most pairs are left to the values."""
    match given:
        case "boolean":
            return kept_in.kind in {"boolean", "text"} and not is_complex(declared)
        case "integer" | "decimal":
            return kept_in.kind in {"smallint", "integer", "bigint", "decimal", "float", "text"}
        case _:
            return kept_in.kind not in {"boolean", "smallint", "float", "decimal"}
