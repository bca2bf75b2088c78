from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from include.pipelines.xml.language.contract import Contract

MistakesOf = Callable[..., list[tuple[str, str]]]


def table(**column: Any) -> dict[str, Any]:
    return {"name": "t", "columns": [{"name": "v", "type": "string(5)", **column}]}


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ({}, "exactly one of path, constant, calculate, take; it has none"),
        ({"path": "V", "constant": "x"}, "it has path and constant"),
        ({"path": None}, "it has none"),
        ({"constant": "x", "steps": ["trim"]}, "steps: for values of a path, and this one comes by constant"),
        ({"calculate": "'x'", "from": "s"}, "from: for values of a path"),
        ({"calculate": "'x'", "unparsable": "null"}, "unparsable: for values of a path"),
        ({"constant": "x", "too_long": "truncate"}, "too_long: for values of a path"),
        ({"constant": "x", "trim": False, "empty": "text"}, "trim, empty: for values of a path"),
        ({"constant": "x", "default": "y"}, "always has a value, so it takes no default"),
        ({"constant": "toolong"}, "the constant does not fit string(5): takes 5 UTF-16 units"),
        ({"constant": 5}, "the constant does not fit string(5): write it as text, in quotes"),
        ({"constant": True, "type": "int"}, "the constant does not fit int"),
        ({"path": "V", "type": "text", "too_long": "truncate"}, "too_long is for string(n) columns, not for text"),
        ({"calculate": "'x'", "nullable": False}, "not nullable, so it must be required or have a default"),
        ({"calculate": "'x'", "required": True, "default": "y"}, "exclude each other"),
    ],
)
def test_a_column_that_contradicts_itself_is_refused(
    mistakes_of: MistakesOf, column: dict[str, Any], words: str
) -> None:
    mistakes = mistakes_of(table(**column))
    assert mistakes[0][0] == "tables[0].columns[0]"
    assert words in mistakes[0][1]


@pytest.mark.parametrize(
    "column", [{"path": "V", "required": "yes"}, {"path": "V", "trim": 1}, {"path": "V", "fills": 0}]
)
def test_flags_are_true_or_false(mistakes_of: MistakesOf, column: dict[str, Any]) -> None:
    ((_, message),) = mistakes_of(table(**column))
    assert message == "must be true or false"


def test_constants_and_defaults_are_values_of_their_type(contract_of: Callable[..., Contract]) -> None:
    constant = contract_of(table(type="decimal(5,2)", constant="1.50")).tables[0].columns[0]
    assert constant.constant_value == Decimal("1.50")
    assert constant.always_filled
    calculated = contract_of(table(type="bit", calculate="TRUE", default=False)).tables[0].columns[0]
    assert calculated.default_value is False
