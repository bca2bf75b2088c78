from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

MistakesOf = Callable[..., list[tuple[str, str]]]


def formula(name: str, text: str, type_: str = "int") -> dict[str, Any]:
    return {"name": name, "type": type_, "calculate": text}


BASE = {"name": "base", "columns": [("amount", "A", "int"), ("status", "S")]}
MANY = {"name": "many", "parent": "base", "rows": "M", "row_number": "n", "columns": [("v", "V", "int")]}
ITEMS = {
    "name": "items", "row_number": "n", "items": [{"name": "a", "path": "A"}],
    "columns": [{"name": "v", "type": "int", "take": "item_value"}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "amont",
            "at amont (line 1, column 1 of the formula): base has no column or field amont; did you mean amount?",
        ),
        ("zzz", "there are doc_id, amount, status, v"),
        ("bse.amount", "there is no table bse; did you mean base?"),
        ("many.v", "many may have several rows in a record"),
        ("items.v", "items makes rows from items or groups"),
        ("CASE WHEN status > 3 THEN 1 END", "at 3 (line 1, column 20 of the formula)"),
        ("status", "at status (line 1, column 1 of the formula)"),
        ("'x'", "at 'x' (line 1, column 1 of the formula)"),
        ("CASE WHEN THEN 1 END", "at THEN (line 1, column 11 of the formula)"),
        ("CASE WHEN amount = 1 THEN 1", "at the end"),
        ("v", "the formulas go round: base.v to base.v"),
    ],
)
def test_a_formula_that_cannot_work_is_refused_at_its_token(mistakes_of: MistakesOf, text: str, words: str) -> None:
    base = {**BASE, "columns": [*BASE["columns"], formula("v", text)]}
    ((place, message),) = mistakes_of(base, MANY, ITEMS)
    assert place == "tables[0].columns[2].calculate"
    assert words in message


def test_formulas_that_need_each_other_go_round_also_across_tables(mistakes_of: MistakesOf) -> None:
    base = {"name": "base", "columns": [formula("a", "detail.b"), ("x", "X", "int")]}
    detail = {"name": "detail", "parent": "base", "columns": [formula("b", "CASE WHEN base.x = 1 THEN base.a END")]}
    ((place, message),) = mistakes_of(base, detail)
    assert place == "tables[0].columns[0].calculate"
    assert message.startswith("the formulas go round: ")
    assert {"base.a", "detail.b"} == set(message.removeprefix("the formulas go round: ").split(" to "))


def test_a_formula_cannot_need_a_row_that_is_chosen_only_after_it(mistakes_of: MistakesOf) -> None:
    main = {
        "name": "main", "rows": "M", "primary_key": ["doc_id"], "duplicates": "last",
        "columns": [formula("a", "base.b"), ("v", "V", "int")],
    }  # fmt: skip
    base = {"name": "base", "columns": [formula("b", "main.v")]}
    ((_, message),) = mistakes_of(main, base)
    assert "main.a" in message
    assert "base.b" in message


def test_the_number_of_the_own_row_is_not_known_yet(mistakes_of: MistakesOf) -> None:
    many = {**MANY, "columns": [formula("v", "n")]}
    ((_, message),) = mistakes_of(BASE, many)
    assert "rows are numbered after the formulas" in message


def test_all_wrong_names_are_told_at_once_and_other_mistakes_hide_none(mistakes_of: MistakesOf) -> None:
    base = {
        "name": "base",
        "columns": [("bad", "//", "int"), ("t", "T", "strng(3)"), formula("v", "CASE WHEN x = y THEN bad ELSE t END")],
    }
    assert [(place, message.split(":")[0].split(" (")[0]) for place, message in mistakes_of(base)] == [
        ("tables[0].columns[0].path", "//"),
        ("tables[0].columns[1].type", "strng(3)"),
        ("tables[0].columns[2].calculate", "at x"),
        ("tables[0].columns[2].calculate", "at y"),
    ]
