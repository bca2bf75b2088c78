from __future__ import annotations

import pytest

from include.pipelines.fhir.fhirpath.elements import PRIMITIVES
from include.pipelines.fhir.views.column_types import DEFAULTS, ColumnType, column_type, fhir_type, parse_ansi
from include.warehouse.column_types import portable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("BOOLEAN", ColumnType("boolean")),
        ("int", ColumnType("integer")),
        ("bigint", ColumnType("bigint")),
        ("DECIMAL(38, 18)", ColumnType("decimal", precision=38, scale=18)),
        ("numeric( 10 )", ColumnType("decimal", precision=10)),
        ("DOUBLE  PRECISION", ColumnType("float")),
        ("CHARACTER VARYING(255)", ColumnType("text", 255)),
        ("national character varying (10)", ColumnType("text", 10)),
        ("VARCHAR", ColumnType("text")),
        ("NVARCHAR(MAX)", ColumnType("text")),
        ("DATE", ColumnType("date")),
        ("TIMESTAMP", ColumnType("timestamp")),
        ("TIMESTAMP(6) WITHOUT TIME ZONE", ColumnType("timestamp")),
        ("TIMESTAMP WITH TIME ZONE", ColumnType("timestamptz")),
        ("BINARY VARYING", ColumnType("binary")),
    ],
)
def test_ansi_types_are_read_in_any_spelling(text: str, expected: ColumnType) -> None:
    assert parse_ansi(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("JSON", "no type that is supported"),
        ("TIME", "no type that is supported"),
        ("DECIMAL", "give precision and scale"),
        ("DECIMAL(39, 2)", "goes up to 38"),
        ("DECIMAL(2, 3)", "goes up to 38"),
        ("VARCHAR(0)", "1 to 4000"),
        ("VARCHAR(4001)", "1 to 4000"),
        ("DATE WITH TIME ZONE", "only TIMESTAMP"),
        ("", "no type that is supported"),
    ],
)
def test_an_ansi_type_that_no_column_can_have_says_why(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_ansi(text)


def test_every_primitive_has_a_bounded_default_but_long_text_and_bytes() -> None:
    assert DEFAULTS.keys() == PRIMITIVES
    assert {name for name, kept in DEFAULTS.items() if kept.kind == "text" and not kept.length} == {"markdown", "xhtml"}


@pytest.mark.parametrize("name", DEFAULTS)
def test_the_warehouse_holds_every_default_exactly(name: str) -> None:
    assert portable(DEFAULTS[name].to_sql()) is not None


@pytest.mark.parametrize(
    ("type_name", "ansi", "collection", "message"),
    [
        ("string", "INTEGER", False, "values of type string do not fit"),
        ("boolean", "DATE", False, "values of type boolean do not fit"),
        ("decimal", "INTEGER", False, "values of type decimal do not fit"),
        ("date", "TIMESTAMP", False, "values of type date do not fit"),
        ("Coding", "INTEGER", False, "kept as JSON text"),
        ("integer", "INTEGER", True, "kept as JSON text"),
    ],
)
def test_a_tag_that_cannot_hold_the_values_is_refused(
    type_name: str, ansi: str, collection: bool, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        column_type(type_name, ansi, collection=collection)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("string", "string"),
        ("http://hl7.org/fhir/StructureDefinition/dateTime", "dateTime"),
        ("http://hl7.org/fhirpath/System.DateTime", "dateTime"),
        ("Observation.referenceRange", "Observation.referenceRange"),
        ("Coding", "Coding"),
    ],
)
def test_types_are_named_or_canonicals(text: str, expected: str) -> None:
    assert fhir_type(text) == expected
