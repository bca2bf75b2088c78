from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from include.pipelines.xml.language.contract import Contract

MistakesOf = Callable[..., list[tuple[str, str]]]

PERSON = {
    "name": "person", "rows": "P", "primary_key": ["doc_id", "code"],
    "columns": [("code", "@c", "string(5)", {"required": True}), ("age", "A", "int")],
}  # fmt: skip


def loan(columns: list[str], to: list[str], table: str = "person", **more: Any) -> dict[str, Any]:
    return {
        "name": "loan", "columns": [("owner", "O", "string(5)"), ("n", "N", "int"), ("wide", "W", "string(6)")],
        "fields": [("hidden", "H", "string(5)")],
        "references": [{"columns": columns, "table": table, "to": to}], **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("found", "place", "words"),
    [
        (loan(["doc_id", "owner"], ["doc_id", "code"], "persons"), "table", "no table persons; there are person, loan"),
        (loan(["owner"], ["code"]), "to", "the whole primary key of person: doc_id, code"),
        (loan(["doc_id", "owner"], ["doc_id", "age"]), "to", "whole primary key"),
        (loan(["doc_id"], ["doc_id", "code"]), "columns", "as many columns as to does: 2"),
        (loan(["doc_id", "ownr"], ["doc_id", "code"]), "columns[1]", "the table has no column ownr"),
        (loan(["doc_id", "hidden"], ["doc_id", "code"]), "columns[1]", "a field"),
        (loan(["doc_id", "n"], ["doc_id", "code"]), "columns[1]", "n is int, and code is string(5)"),
        (loan(["doc_id", "wide"], ["doc_id", "code"]), "columns[1]", "wide is string(6), and code is string(5)"),
        (loan(["doc_id", "owner"], []), "to", "must not be empty"),
        (loan(["owner", "OWNER"], ["doc_id", "code"]), "columns", "stands here twice"),
    ],
)
def test_a_single_mistake_is_refused_with_its_place(
    mistakes_of: MistakesOf, found: dict[str, Any], place: str, words: str
) -> None:
    ((there, message),) = mistakes_of(PERSON, found)
    assert there == f"tables[1].references[0].{place}"
    assert words in message


@pytest.mark.parametrize(
    "more", [{"write": "filled"}, {"groups": ["1"], "columns": [("code", "C{group}", "string(5)", {"required": True})]}]
)
def test_nothing_refers_to_rows_that_may_not_be_written(mistakes_of: MistakesOf, more: dict[str, Any]) -> None:
    table = loan(["doc_id", "owner"], ["doc_id", "code"])
    assert [
        (place, "nothing can refer to it" in message) for place, message in mistakes_of({**PERSON, **more}, table)
    ] == [("tables[1].references[0].table", True)]


def test_parents_and_references_must_not_go_round(mistakes_of: MistakesOf) -> None:
    first = {"name": "a", "columns": [], "references": [{"columns": ["doc_id"], "table": "b", "to": ["doc_id"]}]}
    second = {"name": "b", "parent": "a", "columns": []}
    ((place, message),) = mistakes_of(first, second)
    assert place == "tables[0].references"
    assert message in ("parents and references go round: a to b to a", "parents and references go round: b to a to b")
    itself = {**first, "references": [{"columns": ["doc_id"], "table": "a", "to": ["doc_id"]}]}
    assert [place for place, _ in mistakes_of(itself)] == ["tables[0].references"]


def test_names_have_no_case_and_referenced_tables_come_first(contract_of: Callable[..., Contract]) -> None:
    contract = contract_of(loan(["DOC_ID", "Owner"], ["doc_id", "CODE"], "Person"), PERSON)
    assert [table.name for table in contract.tables_in_order] == ["person", "loan"]


def test_the_record_key_in_a_parents_primary_key_may_be_spelled_in_any_case(
    contract_of: Callable[..., Contract],
) -> None:
    parent = {**PERSON, "primary_key": ["DOC_ID", "code"]}
    child = {"name": "phone", "parent": "person", "rows": "T", "row_number": "no", "columns": [("number", ".")]}
    assert len(contract_of(parent, child).tables) == 2
