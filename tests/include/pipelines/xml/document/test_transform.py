from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from include.engine.errors import RecordRejected
from include.engine.model import NotedRows, Record
from include.engine.ports import Transform
from include.pipelines.xml.document.parser import ParseLimits
from include.pipelines.xml.document.transform import DocumentTransform, process_transform
from include.pipelines.xml.language.files import parse_contract, read_contract

FOLDER = Path(__file__).parents[4] / "fixtures/contracts"
CONTRACT = read_contract(FOLDER / "lending_full.json")
HERE = DocumentTransform(CONTRACT, ParseLimits())
THERE = process_transform(CONTRACT, ParseLimits()).load()


def outcome(transform: Transform, record: Record) -> Any:
    try:
        rows = transform(record)
    except RecordRejected as rejected:
        return rejected.code, rejected.message
    assert isinstance(rows, NotedRows)
    return repr(dict(rows)), rows.warnings, rows.marks  # repr: 1, 1.0 and Decimal(1) are equal


@pytest.mark.parametrize("path", sorted(FOLDER.glob("lending_full/*.xml")), ids=lambda path: path.stem)
def test_a_contract_means_the_same_where_it_came_as_json(path: Path) -> None:
    key = json.loads(path.with_suffix(".json").read_text())["key"]
    record = Record(key, path.read_bytes())
    assert outcome(THERE, record) == outcome(HERE, record)


NUMBERS = """{
  "contract": "numbers", "version": 1, "root": "Doc", "key": {"column": "id", "type": "int"},
  "enumerations": {"sizes": {"big": 1e3, "tiny": 0.0000001}},
  "tables": [{"name": "t", "columns": [
    {"name": "a", "type": "int", "path": "A", "default": 1e3},
    {"name": "b", "type": "decimal(38,10)", "constant": 0.0000001},
    {"name": "c", "type": "decimal(38,10)", "path": "C", "steps": [{"lookup": "sizes"}]},
    {"name": "d", "type": "decimal(38,10)", "path": "C",
     "steps": [{"lookup": {"tiny": 2.5e-7}, "otherwise": {"value": 1E2}}]},
    {"name": "e", "type": "float", "path": "C", "steps": [{"constant": 1e-9}]}
  ]}]
}"""


@pytest.mark.parametrize("text", ["big", "tiny"])
def test_numbers_with_exponents_mean_the_same_too(text: str) -> None:
    contract = parse_contract(NUMBERS)
    record = Record(1, f"<Doc><C>{text}</C></Doc>")
    here = outcome(DocumentTransform(contract, ParseLimits()), record)
    assert outcome(process_transform(contract, ParseLimits()).load(), record) == here
    assert "Decimal" in here[0]
