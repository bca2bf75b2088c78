from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from include.engine.model import NotedRows
from include.pipelines.xml.document.parser import DocumentParser, ParseLimits
from include.pipelines.xml.language.contract import Contract
from include.pipelines.xml.mapping.compile import compile_contract

ContractOf = Callable[..., Contract]

K = {"name": "k", "type": "int", "constant": 1}
TABLES: list[dict[str, Any]] = [
    {"name": "base", "columns": [("a", "A"), ("b", "B", "int", {"default": 1}), K]},
    {"name": "many", "parent": "base", "rows": "C", "row_number": "n", "columns": [("x", "X"), ("y", "@y")]},
    {
        "name": "kept", "rows": "C", "primary_key": ["doc_id", "y"], "duplicates": "first",
        "columns": [("y", "@y", "string(5)", {"required": True}), ("x", "X")],
    },
    {"name": "groups", "groups": ["1", "2"], "row_number": "n", "columns": [("g", "G{group}"), ("h", "H{group}")]},
]  # fmt: skip


def marked(contract_of: ContractOf, document: str) -> set[str]:
    plan = compile_contract(contract_of(*TABLES))
    rows: NotedRows = plan.rows(DocumentParser(ParseLimits()).parse(document), 1)
    names = {name for bit, name in enumerate(plan.mark_names) if rows.marks >> bit & 1}
    assert rows.marks < 1 << len(plan.mark_names)
    return names


@pytest.mark.parametrize(
    ("document", "names"),
    [
        ("<Doc/>", set()),
        ("<Doc><A>x</A><B/></Doc>", {"base.a"}),
        ("<Doc><B>1</B></Doc>", {"base.b"}),
        ("<Doc><C y='1'/><C y='2'><X>v</X></C></Doc>", {"many.x", "many.y", "kept.y", "kept.x"}),
        ("<Doc><C y='1'/><C y='1'><X>v</X></C></Doc>", {"many.x", "many.y", "kept.y"}),
        ("<Doc><G2>x</G2></Doc>", {"groups.g"}),
    ],
)
def test_columns_with_a_value_from_the_document_in_a_row_that_is_written_are_marked(
    contract_of: ContractOf, document: str, names: set[str]
) -> None:
    assert marked(contract_of, document) == names


def test_every_column_with_a_path_can_be_marked_and_no_other(contract_of: ContractOf) -> None:
    plan = compile_contract(contract_of(*TABLES))
    names = ["base.a", "base.b", "many.x", "many.y", "kept.y", "kept.x", "groups.g", "groups.h"]
    assert sorted(plan.mark_names) == sorted(names)
