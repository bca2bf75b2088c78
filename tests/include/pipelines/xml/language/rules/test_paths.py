from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from include.pipelines.xml.language.contract import Contract

MistakesOf = Callable[..., list[tuple[str, str]]]

WHERE = [{"path": "@{group}", "present": True}]
SPACES = {"p": "urn:p"}


def groups(*columns: Any, **more: Any) -> dict[str, Any]:
    return {"name": "t", "groups": ["1", "2"], "row_number": "n", "columns": list(columns), **more}


def plain(*columns: Any, **more: Any) -> dict[str, Any]:
    return {"name": "t", "columns": list(columns), **more}


@pytest.mark.parametrize(
    ("table", "place", "words"),
    [
        (plain(("v", "q:v")), "tables[0].columns[0].path", "prefix q"),
        (plain(fields=[("v", "@q:v")]), "tables[0].fields[0].path", "prefix q"),
        (plain(where=[{"path": "q:v", "present": True}]), "tables[0].where[0].path", "prefix q"),
        (plain(selections={"a": {"path": "p:a/q:a"}}), "tables[0].selections.a.path", "prefix q"),
        (
            plain(selections={"a": {"path": "A", "where": [{"path": "@q:x", "present": True}]}}),
            "tables[0].selections.a.where[0].path",
            "prefix q",
        ),
        (groups(("v", "q:v{group}")), "tables[0].columns[0].path", "prefix q"),
        (groups(("v", "{group}"), groups=[{"name": "1", "element": "q:v"}]), "tables[0].columns[0].path", "prefix q"),
        (groups(("v", "V")), "tables[0].groups", "no path of the table holds {group}"),
        (groups(("v", "{group}"), groups=["a", "1"]), "tables[0].groups[1]", "1 is no path: give the group an element"),
        (groups(("v", "V{group}"), groups=["1", "2 b"]), "tables[0].groups[1]", "V2 b is no path"),
        (groups(("v", "V{group}"), groups=["1", {"element": "x"}]), "tables[0].groups[1].name", "is required"),
        (groups(("v", "V{group}"), groups=[{"name": "2", "elemnt": "x"}]), "tables[0].groups[0].elemnt", "element?"),
        (groups(("v", "V{group}"), groups=["1", ""]), "tables[0].groups[1].name", "must not be empty"),
        (groups(("v", "V{grp}")), "tables[0].columns[0].path", "a path is"),
        (groups(("v", "V{group}"), where=WHERE), "tables[0].where[0].path", "{group} is for"),
        (plain(("v", "V{group}")), "tables[0].columns[0].path", "this one has none"),
        (
            {"name": "t", "row_number": "n", "items": [{"name": "a", "path": "A{group}"}],
             "columns": [{"name": "v", "type": "int", "take": "item_value"}]},
            "tables[0].items[0].path",
            "{group} is for",
        ),
    ],
)  # fmt: skip
def test_a_single_mistake_is_refused_with_its_place(
    mistakes_of: MistakesOf, table: dict[str, Any], place: str, words: str
) -> None:
    ((there, message),) = mistakes_of(table, namespaces=SPACES)
    assert there == place
    assert words in message


def test_a_group_may_be_a_whole_step_or_bring_a_prefix(contract_of: Callable[..., Contract]) -> None:
    table = groups(("v", "{group}/@k"), ("w", "A/{group}/B"), groups=["a", {"name": "b", "element": "p:b"}])
    assert contract_of(table, namespaces=SPACES).tables[0].groups[1].in_paths == "p:b"
