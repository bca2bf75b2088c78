"""A row of every type, and a second one of another table, for the tests of formulas."""

from __future__ import annotations

from typing import Any

from include.pipelines.xml.formula.language import FieldRef, compile_formula, parse_formula
from include.pipelines.xml.language.column_types import parse_type

OWN = {
    "n": "int",
    "m": "bigint",
    "amount": "decimal(12,2)",
    "rate": "float",
    "s": "string(20)",
    "t": "text",
    "flag": "bit",
    "other": "bit",
    "day": "date",
    "due": "date",
    "moment": "datetime",
    "zoned": "datetimeoffset",
    "id": "uuid",
}
APP = {"status": "string(10)", "opened": "date", "n": "int"}

FIELDS = {
    (table, column): FieldRef(parse_type(text), frame, slot)
    for frame, (table, columns) in enumerate({None: OWN, "app": APP}.items())
    for slot, (column, text) in enumerate(columns.items())
}


def resolve(table: str | None, column: str) -> FieldRef | None:
    return FIELDS.get((table and table.lower(), column.lower()))


def compiled(text: str, result: str) -> Any:
    return compile_formula(parse_formula(text), resolve, parse_type(result))


def evaluated(text: str, result: str, app: dict[str, object] | None = None, **own: object) -> Any:
    """Names left out are NULL; so is the whole row of `app`."""
    second = None if app is None else tuple(app.get(name) for name in APP)
    return compiled(text, result)((tuple(own.get(name) for name in OWN), second))


def holds(condition: str, app: dict[str, object] | None = None, **own: object) -> bool:
    found = evaluated(f"CASE WHEN {condition} THEN TRUE ELSE FALSE END", "bit", app, **own)
    assert type(found) is bool
    return found
