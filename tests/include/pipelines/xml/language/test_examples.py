"""The examples of CONTRACT.md: what the specification shows is what the pipeline does."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

import include.pipelines.xml
from include.engine.errors import RecordRejected
from include.engine.model import Key, NotedRows
from include.pipelines.xml.document.parser import DocumentParser, ParseLimits
from include.pipelines.xml.language.files import parse_contract
from include.pipelines.xml.mapping.compile import compile_contract
from include.pipelines.xml.tables import target_of
from include.warehouse.fit import Fitter

SPECIFICATION = Path(include.pipelines.xml.__file__).parent / "CONTRACT.md"

Fence = tuple[str, str]
"""Language and content of a fenced block."""


@dataclass(frozen=True)
class Example:
    section: str
    fragment: dict[str, Any]
    document: str
    result: dict[str, Any]

    @property
    def contract(self) -> str:
        """The fragment, within what the specification says to stand around it."""
        around = {"contract": "example", "version": 1, "root": "App"}
        around |= {"key": {"column": "app_id", "type": "int", "path": "@id"}}
        if "contract" in self.fragment:
            return json.dumps(self.fragment)
        tables = self.fragment if "tables" in self.fragment else {"tables": [self.fragment]}
        return json.dumps({**around, **tables})

    @property
    def key(self) -> Key:
        """Of the first row; where there is none, that of all documents of the examples."""
        rows = [row for table, found in self.result.items() if table not in SAID for row in found]
        key: Key = rows[0][0] if rows else 1
        return key


SAID = {"warnings", "rejected", "names"}
"""In an example's result: not names of tables."""


def sections() -> dict[str, list[Fence]]:
    text = SPECIFICATION.read_text(encoding="utf-8")
    found: dict[str, list[Fence]] = {}
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title = part.split("\n", 1)[0].split(":")[0]
        found[title] = re.findall(r"^```(\w+)\n(.*?)^```$", part, flags=re.MULTILINE | re.DOTALL)
    return found


def examples() -> list[Example]:
    return [
        Example(title, json.loads(fragment), document, json.loads(result, parse_float=Decimal))
        for title, fences in sections().items()
        for (_, fragment), (_, document), (_, result) in zip(fences[::3], fences[1::3], fences[2::3], strict=True)
    ]


def rows_of(example: Example) -> NotedRows:
    contract = parse_contract(example.contract)
    root = DocumentParser(ParseLimits()).parse(example.document)
    rows = compile_contract(contract).rows(root, example.key)
    Fitter(target_of(contract), "sqlite")(rows, example.key)
    return rows


def plain(value: Any) -> tuple[type, Any]:
    """As JSON has it: dates and keys as text, all numbers alike; true is not 1."""
    if isinstance(value, date):
        value = value.isoformat()
    if isinstance(value, UUID):
        value = str(value)
    return (Decimal, Decimal(value)) if type(value) in (int, float, Decimal) else (type(value), value)


def test_every_section_has_examples_of_a_fragment_a_document_and_a_result() -> None:
    assert len(sections()) > 8
    for title, fences in sections().items():
        assert [language for language, _ in fences] == ["json", "xml", "json"] * (len(fences) // 3), title
        assert fences, title


@pytest.mark.parametrize("example", [pytest.param(one, id=f"{one.section}-{n}") for n, one in enumerate(examples())])
def test_an_example_of_the_specification_is_what_the_pipeline_does(example: Example) -> None:
    if "rejected" in example.result:
        with pytest.raises(RecordRejected) as raised:
            rows_of(example)
        assert raised.value.code == example.result["rejected"]
        assert example.result["names"] in raised.value.message
        return
    found = rows_of(example)
    expected = {table: rows for table, rows in example.result.items() if table not in SAID}
    assert {table: [tuple(map(plain, row)) for row in rows] for table, rows in found.items()} == {
        table: [tuple(map(plain, row)) for row in rows] for table, rows in expected.items()
    }
    order = list(found)
    for table in json.loads(example.contract)["tables"]:
        above = [table.get("parent"), *(reference["table"] for reference in table.get("references", []))]
        assert all(
            order.index(name) < order.index(table["name"]) for name in above if {name, table["name"]} <= {*order}
        )
    assert found.warnings == example.result.get("warnings", {})
