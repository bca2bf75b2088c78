"""A contract that uses the whole language, and documents whose rows were written by hand from CONTRACT.md."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from include.engine.errors import RecordRejected
from include.engine.model import NotedRows
from include.pipelines.xml.document.parser import DocumentParser, ParseLimits
from include.pipelines.xml.language.contract import Contract
from include.pipelines.xml.language.files import read_contract
from include.pipelines.xml.mapping.compile import compile_contract
from include.pipelines.xml.tables import target_of
from include.warehouse.fit import Fitter

FOLDER = Path(__file__).resolve().parents[4] / "fixtures" / "contracts"
FILE = FOLDER / "lending_full.json"
DOCUMENTS = sorted(path.stem for path in (FOLDER / "lending_full").glob("*.json"))

TYPES: dict[str, Callable[[str], Any]] = {
    "decimal": Decimal,
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
    "datetimeoffset": datetime.fromisoformat,
    "uuid": UUID,
}
"""What JSON has no type for is written as an object of one: {"date": "2026-01-31"}."""


@cache
def contract() -> Contract:
    return read_contract(FILE)


@cache
def expectation(stem: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "lending_full" / f"{stem}.json").read_text(encoding="utf-8"))
    return found


def with_rows() -> list[str]:
    return [stem for stem in DOCUMENTS if "rows" in expectation(stem)]


def with_reject() -> list[str]:
    return [stem for stem in DOCUMENTS if "reject" in expectation(stem)]


def mapped(stem: str) -> NotedRows:
    root = DocumentParser(ParseLimits()).parse((FOLDER / "lending_full" / f"{stem}.xml").read_bytes())
    return compile_contract(contract()).rows(root, expectation(stem)["key"])


@cache
def column_names() -> dict[str, list[str]]:
    """By table, from the file alone: the record's key, the rest of the parent's primary key, row number, columns."""
    raw = json.loads(FILE.read_text(encoding="utf-8"))
    tables = {table["name"]: table for table in raw["tables"]}
    key = raw["key"]["column"]

    def inherited(name: str) -> list[str]:
        parent = tables[name].get("parent")
        return [key, *(column for column in primary_key(parent) if column != key)] if parent else [key]

    def numbered(name: str) -> list[str]:
        return [*inherited(name), *([tables[name]["row_number"]] if "row_number" in tables[name] else [])]

    def primary_key(name: str) -> list[str]:
        return tables[name].get("primary_key") or numbered(name)

    return {name: [*numbered(name), *(column["name"] for column in tables[name]["columns"])] for name in tables}


def expected_rows(stem: str) -> dict[str, list[tuple[Any, ...]]]:
    """A column that a row does not name is NULL."""
    names = column_names()
    for table, rows in expectation(stem)["rows"].items():
        for row in rows:
            assert set(row) <= set(names[table]), f"{stem}: {table} has no columns {set(row) - set(names[table])}"
    return {
        table: [tuple(_typed(row.get(name)) for name in names[table]) for row in rows]
        for table, rows in expectation(stem)["rows"].items()
    }


def _typed(value: Any) -> Any:
    if isinstance(value, dict):
        ((kind, text),) = value.items()
        return TYPES[kind](text)
    return value


def exactly(value: Any) -> tuple[type, Any, str]:
    """Equal only where type, value and offset are: True is not 1 here, and 10:00Z not 11:00+01:00."""
    return type(value), value, value.isoformat() if isinstance(value, date) else ""


def named(table: str, rows: Any) -> list[dict[str, Any]]:
    """By column, without NULL: what differs can be read."""
    return [
        {name: exactly(value) for name, value in zip(column_names()[table], row, strict=True) if value is not None}
        for row in rows
    ]


@pytest.mark.parametrize("stem", with_rows())
def test_a_document_gives_the_rows_that_were_written_by_hand(stem: str) -> None:
    found, expected = mapped(stem), expected_rows(stem)
    assert set(found) == set(expected)
    for table, rows in expected.items():
        assert named(table, found[table]) == named(table, rows), table


@pytest.mark.parametrize("stem", with_rows())
def test_a_document_gives_the_warnings_that_were_written_by_hand(stem: str) -> None:
    assert mapped(stem).warnings == expectation(stem).get("warnings", {})


@pytest.mark.parametrize("stem", with_rows())
def test_the_rows_fit_their_tables(stem: str) -> None:
    rows = mapped(stem)
    fitted = Fitter(target_of(contract()), "sqlite")(rows, expectation(stem)["key"])
    assert {table: len(found) for table, found in fitted.items()} == {
        table: len(found) for table, found in rows.items()
    }


@pytest.mark.parametrize("stem", with_reject())
def test_a_document_is_rejected_with_the_column_and_path_that_were_written_by_hand(stem: str) -> None:
    expected = expectation(stem)["reject"]
    fit = Fitter(target_of(contract()), "sqlite")
    with pytest.raises(RecordRejected) as raised:
        fit(mapped(stem), expectation(stem)["key"])
    assert raised.value.code == expected["code"]
    for name in expected["names"]:
        assert name in raised.value.message


def with_a_value(stem: str) -> set[str]:
    """Columns that the document had a value for, by the marks of its rows."""
    marks, names = mapped(stem).marks, compile_contract(contract()).mark_names
    return {name for bit, name in enumerate(names) if marks >> bit & 1}


def test_columns_with_a_path_are_marked_where_the_document_has_a_value_and_defaults_are_none() -> None:
    required = {"application_number", "status_code", "status_text", "submitted_on", "loan_amount"}
    assert with_a_value("minimal") == {f"app_base.{name}" for name in required}
    assert with_a_value("inactive") == set()
    raw = json.loads(FILE.read_text(encoding="utf-8"))
    assert set().union(*(with_a_value(stem) for stem in with_rows())) == {
        f"{table['name']}.{column['name']}"
        for table in raw["tables"]
        for column in table["columns"]
        if "path" in column
    }


def test_tables_come_after_their_parents_and_those_that_they_refer_to() -> None:
    order = list(mapped("rich"))
    raw = json.loads(FILE.read_text(encoding="utf-8"))
    assert len(order) == len(raw["tables"])
    for table in raw["tables"]:
        before = [table.get("parent"), *(reference["table"] for reference in table.get("references", []))]
        assert all(order.index(name) < order.index(table["name"]) for name in before if name is not None)


def test_the_fixture_is_as_large_as_a_real_contract() -> None:
    raw = json.loads(FILE.read_text(encoding="utf-8"))
    assert len(raw["tables"]) >= 14
    assert sum(len(table["columns"]) for table in raw["tables"]) >= 250
    assert len(with_rows()) >= 10
    assert len(with_reject()) >= 10
    assert (FOLDER / "lending_full" / "rich.xml").stat().st_size >= 20 * 1024
    assert {path.stem for path in (FOLDER / "lending_full").glob("*.xml")} == set(DOCUMENTS)


def test_every_column_has_a_value_in_one_document_or_another() -> None:
    valued = {
        (table, name)
        for stem in with_rows()
        for table, rows in expected_rows(stem).items()
        for row in rows
        for name, value in zip(column_names()[table], row, strict=True)
        if value is not None
    }
    assert {(table, name) for table, names in column_names().items() for name in names} - valued == set()
