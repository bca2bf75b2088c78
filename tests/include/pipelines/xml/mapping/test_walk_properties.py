"""Whatever a document holds, it gives rows that fit the tables, or is a reject that quotes nothing of it; and what one
column gets of it is nobody else's affair."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from hypothesis import given, settings
from hypothesis import strategies as st

from include.engine.errors import RecordRejected
from include.engine.model import Rows
from include.pipelines.xml.document.parser import DocumentParser, ParseLimits
from include.pipelines.xml.language.files import find_contract, parse_contract
from include.pipelines.xml.language.paths import parse_path
from include.pipelines.xml.mapping.compile import compile_contract
from include.pipelines.xml.mapping.layout import layouts_of
from include.pipelines.xml.tables import target_of
from include.sandbox.lending import FIRST_KEY, lending_document
from include.warehouse.fit import Fitter
from tests.include.pipelines.xml import any_contract

PARSER = DocumentParser(ParseLimits())
CONTRACT = find_contract("lending")
PLAN = compile_contract(CONTRACT)
LAYOUTS = {layout.name: layout for layout in layouts_of(CONTRACT)}
FITTER = Fitter(target_of(CONTRACT), "sqlite")
PYTHON_TYPES = {
    "string": str, "text": str, "tinyint": int, "smallint": int, "int": int, "bigint": int, "decimal": Decimal,
    "bit": bool, "date": date, "datetime": datetime,
}  # fmt: skip

NAMES = sorted(
    {step for table in CONTRACT.tables for column in table.columns for step in parse_path(column.path or ".").steps}
    | {step for table in CONTRACT.tables for step in table.parsed_rows.steps}
)
SECRET = "PLANTED-9231"
TEXTS = st.one_of(
    st.sampled_from([SECRET, "", " ", "1", "2024-02-29", "true", "1.5", "2024-02-29T10:00:00Z", "9" * 60]),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff")),
)


@st.composite
def elements(draw: st.DrawFn, depth: int = 4) -> str:
    name = draw(st.sampled_from(NAMES)).replace("m:", "")
    attributes = "".join(
        f" {attribute}={quoteattr(draw(TEXTS))}" for attribute in draw(st.sets(st.sampled_from(["id", "kind", "role"])))
    )
    inner = draw(st.lists(elements(depth=depth - 1), max_size=3)) if depth else []
    return f"<{name}{attributes}>{escape(draw(TEXTS))}{''.join(inner)}</{name}>"


def check(rows: Rows) -> None:
    for name, table_rows in rows.items():
        layout = LAYOUTS[name]
        for row in table_rows:
            assert len(row) == len(layout.names)
            for slot, value in enumerate(row):
                kind = layout.type_of(slot).kind
                assert value is None or kind == "uuid" or type(value) is PYTHON_TYPES[kind]
            assert row[0] == FIRST_KEY
    fitted = outcome(lambda: FITTER(rows, FIRST_KEY))
    assert not isinstance(fitted, RecordRejected) or fitted.code in {"fit.too_long", "fit.out_of_range", "fit.scale"}


def outcome(work: Callable[[], Rows]) -> Rows | RecordRejected:
    try:
        return work()
    except RecordRejected as reject:
        return reject


def mapped(document: str | bytes) -> Rows | RecordRejected:
    return outcome(lambda: PLAN.rows(PARSER.parse(document), FIRST_KEY))


@settings(max_examples=60, deadline=None)
@given(st.lists(elements(depth=3), max_size=4))
def test_any_tree_of_known_elements_gives_fitting_rows_or_a_reject(inner: list[str]) -> None:
    sound = sound_document()
    body = sound[: sound.rindex("</LendingApplication>")] + "".join(inner) + "</LendingApplication>"
    found = mapped(body)
    if isinstance(found, RecordRejected):
        assert found.code in {"xml.value", "xml.required", "xml.repeated"}
        assert SECRET not in found.message
    else:
        check(found)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_document_damaged_anywhere_gives_fitting_rows_or_a_reject(data: st.DataObject) -> None:
    sound = sound_document().encode()
    start = data.draw(st.integers(0, len(sound)))
    length = data.draw(st.integers(0, 40))
    damage = data.draw(st.one_of(st.binary(max_size=20), st.sampled_from([b"<", b"&", b"]]>", b"<!DOCTYPE", b"\0"])))
    found = mapped(sound[:start] + damage + sound[start + length :])
    if isinstance(found, RecordRejected):
        assert found.code.startswith("xml.")
    else:
        check(found)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(), st.text()))
def test_anything_at_all_is_rejected_with_a_class(document: bytes | str) -> None:
    found = mapped(document)
    assert isinstance(found, RecordRejected)
    assert found.code.startswith("xml.")


@cache
def sound_document() -> str:
    return lending_document(FIRST_KEY, size_bytes=4_000)


@st.composite
def tables(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Of columns that need nothing of each other."""
    found = []
    for index in range(draw(st.integers(1, 2))):
        selections = draw(any_contract.selections())
        names = [f"c{number}" for number in range(draw(st.integers(2, 4)))]
        columns = [draw(any_contract.of_path(name, sorted(selections), grouped=False)) for name in names]
        # Few paths, so that columns meet at the same elements.
        columns = [column | {"path": draw(st.sampled_from(["A", "A", "A/@k", "A/B", "@k", "."]))} for column in columns]
        rows = draw(st.sampled_from([".", ".", "A", "A/A"]))
        found.append(
            {"name": f"t{index}", "rows": rows, "row_number": "n", "columns": columns, "selections": selections}
        )
        found[-1]["where"] = draw(st.one_of(st.just([]), st.just([]), any_contract.conditions()))
    return found


@st.composite
def mixed(draw: st.DrawFn, name: str = "Doc", depth: int = 2) -> str:
    """Elements with text before, between and behind the elements that they hold."""
    attributes = "".join(f" {name}={quoteattr(draw(any_contract.TEXTS))}" for name in draw(st.sets(st.just("k"))))
    parts = [escape(draw(any_contract.TEXTS))] if draw(st.booleans()) else []
    for child in draw(st.lists(st.sampled_from("AAAB"), min_size=depth // 2, max_size=2)) if depth else []:
        parts += [draw(mixed(child, depth - 1)), draw(st.sampled_from(["", "", " ", "7"]))]
    return f"<{name}{attributes}>{''.join(parts)}</{name}>"


def alone(tables: list[dict[str, Any]], document: str) -> Rows | tuple[str, str]:
    around = {"contract": "any", "version": 1, "root": "Doc", "key": {"column": "doc_id", "type": "bigint"}}
    contract = parse_contract(json.dumps({**around, "enumerations": {"numbers": {"x": 1, "y": 2}}, "tables": tables}))
    found = outcome(lambda: compile_contract(contract).rows(PARSER.parse(document), FIRST_KEY))
    return (found.code, found.message) if isinstance(found, RecordRejected) else found


@settings(max_examples=15, deadline=None)
@given(tables(), mixed())
def test_what_a_column_gets_does_not_depend_on_what_else_is_mapped(tables: list[dict[str, Any]], document: str) -> None:
    together = alone(tables, document)
    columns = [(table, column) for table in tables for column in table["columns"]]
    single = [alone([{**table, "columns": [column]}], document) for table, column in columns]
    rejects = [found for found in single if isinstance(found, tuple)]
    if rejects or isinstance(together, tuple):
        assert together in rejects
        return
    for (table, column), found in zip(columns, single, strict=True):
        assert not isinstance(found, tuple)
        slot = 2 + table["columns"].index(column)
        rows = together.get(table["name"], [])
        assert [(*row[:2], row[slot]) for row in rows] == found.get(table["name"], [])
