from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from include.pipelines.xml.language.contract import Contract
from include.pipelines.xml.mapping.compile import compile_contract

MistakesOf = Callable[..., list[tuple[str, str]]]
ContractOf = Callable[..., Contract]


def chain(length: int, rows: str = ".") -> list[dict[str, Any]]:
    """Each table is the parent of the next."""
    first = {"name": "t0", "columns": [("v0", "@a")]}
    others = [
        {"name": f"t{i}", "parent": f"t{i - 1}", "rows": rows, "row_number": f"n{i}", "columns": [(f"v{i}", "@a")]}
        for i in range(1, length)
    ]
    return [first, *others]


def path(steps: int) -> str:
    return "/".join("A" * steps)


def test_fifty_tables_may_be_above_a_table(contract_of: ContractOf) -> None:
    assert len(compile_contract(contract_of(*chain(51))).tables) == 51


@pytest.mark.parametrize("length", [52, 200])
def test_of_too_many_parents_the_first_table_that_has_them_is_named_and_no_other(
    mistakes_of: MistakesOf, length: int
) -> None:
    (mistake,) = mistakes_of(*chain(length))
    assert mistake == ("tables[51].parent", "t51 has more than 50 tables above it")


DEEP = {"path": path(50), "present": True}
ITEM = {"name": "v", "type": "text", "take": "item_value"}


@pytest.mark.parametrize(
    ("last", "place"),
    [
        ({"rows": path(51)}, "rows"),
        ({"columns": [("v", path(51))]}, "columns[0].path"),
        ({"fields": [("w", f"{path(51)}/@a")]}, "fields[0].path"),
        ({"where": [{"path": path(51), "present": True}]}, "where[0].path"),
        ({"selections": {"s": {"path": path(51)}}}, "selections.s.path"),
        ({"selections": {"s": {"path": "A", "where": [DEEP]}}}, "selections.s.where[0].path"),
        ({"columns": [("v", path(50), "text", {"from": "s"})], "selections": {"s": {"path": "A"}}}, "columns[0].path"),
        ({"items": [{"name": "x", "path": path(51)}], "columns": [ITEM]}, "items[0].path"),
        ({"groups": ["1"], "columns": [("v", f"{path(50)}/A{{group}}")]}, "columns[0].path"),
    ],
)
def test_what_is_deeper_than_250_levels_is_refused_at_its_place(
    mistakes_of: MistakesOf, last: dict[str, Any], place: str
) -> None:
    above = chain(3, path(100))
    table = {"name": "low", "parent": "t2", "row_number": "n", "columns": [("v", "A")], **last}
    assert mistakes_of(*above, table) == [
        (f"tables[3].{place}", "of low: more than 250 levels of elements below the document element")
    ]


def test_levels_are_those_of_elements_so_attributes_and_the_row_itself_add_none(contract_of: ContractOf) -> None:
    table = {"name": "low", "parent": "t2", "columns": [("v", path(50)), ("w", f"{path(50)}/@a"), ("x", ".")]}
    assert contract_of(*chain(3, path(100)), table)


def test_parents_and_selections_that_go_round_are_no_matter_of_depth(mistakes_of: MistakesOf) -> None:
    round_about = {"a": {"path": "A", "from": "b"}, "b": {"path": "A", "from": "a"}}
    table = {"name": "t", "parent": "t", "columns": [("v", "A")], "selections": round_about}
    assert all("levels" not in message for _, message in mistakes_of(table))
