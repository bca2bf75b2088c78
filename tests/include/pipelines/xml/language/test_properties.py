"""Any contract that is accepted compiles; any document gives rows that fit, or is a reject that says where."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.engine.errors import RecordRejected, SettingsError
from include.engine.model import NotedRows, Rows
from include.pipelines.xml.document.parser import DocumentParser, ParseLimits
from include.pipelines.xml.language.contract import Contract
from include.pipelines.xml.language.files import parse_contract
from include.pipelines.xml.mapping.compile import compile_contract
from include.pipelines.xml.mapping.layout import TableLayout, layouts_of
from include.pipelines.xml.tables import target_of
from include.warehouse.fit import Fitter
from tests.include.pipelines.xml.any_contract import DOCUMENTS, SECRET, contracts

PARSER = DocumentParser(ParseLimits())
QUICK = settings(
    deadline=None,
    # A contract is a large example by nature, and its strategy builds it in many small draws.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
PYTHON_TYPES = {
    "string": str, "text": str, "tinyint": int, "smallint": int, "int": int, "bigint": int, "decimal": Decimal,
    "float": float, "bit": bool, "date": date, "datetime": datetime,
}  # fmt: skip
VALUE_CODES = {"xml.value", "xml.required", "xml.repeated", "xml.duplicate_key"}
JUNK = st.sampled_from([None, True, 0, -1, "", "zz", "a.b", "{group}", [], {}, ["x"], {"x": 1}, "t0", "c0", "first"])


@settings(QUICK, max_examples=30)
@given(contracts(), st.lists(DOCUMENTS, min_size=1, max_size=3))
def test_sound_contracts_are_accepted_and_their_rows_fit_keys_and_all(
    raw: dict[str, Any], documents: list[str]
) -> None:
    contract = parse_contract(json.dumps(raw))
    for document in documents:
        check(contract, document)


@settings(QUICK, max_examples=40)
@given(contracts(), DOCUMENTS, st.data())
def test_a_contract_with_anything_changed_is_refused_with_places_or_works(
    raw: dict[str, Any], document: str, data: st.DataObject
) -> None:
    places = list(places_of(raw))
    *way, last = data.draw(st.sampled_from(places))
    around: Any = raw
    for step in way:
        around = around[step]
    if data.draw(st.booleans()):
        around[last] = data.draw(JUNK)
    else:
        del around[last]
    try:
        contract = parse_contract(json.dumps(raw))
    except SettingsError as refused:
        _, *mistakes = str(refused).splitlines()
        assert mistakes
        assert all(re.match(r"  [\w.\[\] {}]+ \(line 1\): .", mistake) for mistake in mistakes)
    else:
        check(contract, document)


def places_of(value: Any) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for name, part in inner for place in ((name,), *((name, *more) for more in places_of(part)))]


def check(contract: Contract, document: str) -> None:
    fitter = Fitter(target_of(contract), "sqlite")
    plan = compile_contract(contract)
    key = "1" if contract.key.parsed_type.is_text else 1
    columns = {f"{layout.name}.{name}" for layout in layouts_of(contract) for name in layout.names}
    columns |= {f"{table.name}.{field.name}" for table in contract.tables for field in table.fields}
    rows = outcome(lambda: plan.rows(PARSER.parse(document), key))
    if isinstance(rows, RecordRejected):
        assert rows.code in VALUE_CODES | {"xml.root", "xml.key"}
        assert rows.code not in VALUE_CODES or re.split("[ :]", rows.message)[0] in columns
        assert SECRET not in rows.message
        return
    assert isinstance(rows, NotedRows)
    assert rows.marks < 1 << len(plan.mark_names)
    assert all(name.split(" ")[1] in columns for name in rows.warnings)
    check_rows(contract, rows)
    fitted = outcome(lambda: fitter(rows, key))
    if isinstance(fitted, RecordRejected):
        assert fitted.code in {"fit.too_long", "fit.out_of_range", "fit.scale"}
        assert SECRET not in fitted.message


def outcome(work: Callable[[], Rows]) -> Rows | RecordRejected:
    try:
        return work()
    except RecordRejected as reject:
        return reject


def check_rows(contract: Contract, rows: NotedRows) -> None:
    layouts = {layout.name: layout for layout in layouts_of(contract)}
    for name, table_rows in rows.items():
        layout = layouts[name]
        for row in table_rows:
            assert len(row) == len(layout.names)
            for slot, value in enumerate(row):
                assert value is None or type(value) is PYTHON_TYPES.get(layout.type_of(slot).kind, type(value))
        keys = [values_of(layout, row, layout.primary_key) for row in table_rows]
        assert len(set(keys)) == len(keys)
        parent = layout.parent
        if parent is not None:
            there = {values_of(parent, row, parent.primary_key) for row in rows.get(parent.name, ())}
            assert {values_of(layout, row, parent.primary_key) for row in table_rows} <= there


def values_of(layout: TableLayout, row: tuple[Any, ...], names: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(row[layout.names.index(name)] for name in names)
