from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

MistakesOf = Callable[..., list[tuple[str, str]]]

NAME = {"name": "name", "type": "string(3)", "take": "item_name"}
VALUE = {"name": "v", "type": "int", "take": "item_value"}


def plain(steps: list[Any], type_: str = "int") -> dict[str, Any]:
    return {"name": "t", "columns": [("v", "V", type_, {"steps": steps})]}


def items(item: dict[str, Any], *columns: Any) -> dict[str, Any]:
    return {"name": "t", "row_number": "n", "items": [{"name": "a", "path": "A", **item}], "columns": list(columns)}


@pytest.mark.parametrize(
    ("table", "place", "words"),
    [
        (plain([{"lookup": "rolls"}]), "tables[0].columns[0].steps[0].lookup", "roles"),
        (plain([{"lookup": "roles"}]), "tables[0].columns[0].steps[0].lookup", "int"),
        (plain(["digit"]), "tables[0].columns[0].steps[0]", "did you mean digits?"),
        (plain([{"constant": "x"}]), "tables[0].columns[0].steps[0].constant", "int"),
        (plain([{"constant": 1}, "digits"]), "tables[0].columns[0].steps[0].constant", "text"),
        (items({"steps": [{"constant": "x"}]}, VALUE), "tables[0].items[0].steps[0].constant", "int"),
        (items({"name": "four"}, VALUE, NAME), "tables[0].items[0]", "its name does not fit name (string(3))"),
        (items({"name": ""}, VALUE, NAME), "tables[0].items[0].name", "must not be empty"),
        (
            {
                "name": "t", "row_number": "n", "groups": ["1", "A"],
                "columns": [("v", "V{group}"), {"name": "no", "type": "tinyint", "take": "group_name"}],
            },
            "tables[0].groups[1]",
            "does not fit no (tinyint): is no whole number",
        ),
    ],
)  # fmt: skip
def test_a_single_mistake_is_refused_with_its_place(
    mistakes_of: MistakesOf, table: dict[str, Any], place: str, words: str
) -> None:
    ((there, message),) = mistakes_of(table, enumerations={"roles": {"x": "text"}})
    assert there.startswith(place)
    assert words in message


def test_enumerations_hold_plain_values(mistakes_of: MistakesOf) -> None:
    mistakes = mistakes_of({"name": "t", "columns": []}, enumerations={"a": {"x": None}, "b": {"x": [1]}, "c": 1})
    assert [place for place, _ in mistakes] == ["enumerations.a.x", "enumerations.b.x", "enumerations.c"]
