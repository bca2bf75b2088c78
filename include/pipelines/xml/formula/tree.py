"""A formula as parsed: the syntax tree, with the place of each part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal as OneOf
from typing import NamedTuple

from include.pipelines.xml.formula.errors import FormulaError

Unit = OneOf["day", "month", "year", "hour", "minute", "second"]
Operator = OneOf["=", "<>", "<", ">", "<=", ">="]


class At(NamedTuple):
    """The token that a part begins with, or is known by."""

    line: int
    """From 1, within the formula's text."""
    position: int
    """From 1, in characters of the line."""
    token: str

    def error(self, message: str) -> FormulaError:
        """A mistake at this token."""
        return FormulaError(message, self.line, self.position, self.token)


@dataclass(frozen=True, slots=True)
class Name:
    """A column or field, spelled as in the formula; names have no case, which is the resolver's matter."""

    table: str | None
    column: str
    line: int
    position: int

    @property
    def at(self) -> At:
        """Where it stands."""
        return At(self.line, self.position, self.column if self.table is None else f"{self.table}.{self.column}")


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, text, date, TRUE, FALSE or NULL."""

    value: int | Decimal | str | date | bool | None
    at: At


@dataclass(frozen=True, slots=True)
class DateAdd:
    """`DATEADD(unit, amount, moment)`."""

    unit: Unit
    amount: Value
    moment: Value
    at: At


@dataclass(frozen=True, slots=True)
class Case:
    """The value of the first condition that is true, else `otherwise`; NULL where that is left out."""

    whens: tuple[tuple[Condition, Value], ...]
    otherwise: Value | None
    at: At


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two values by one of six operators."""

    operator: Operator
    left: Value
    right: Value
    at: At


@dataclass(frozen=True, slots=True)
class Like:
    """A text by a pattern."""

    value: Value
    pattern: str
    negated: bool
    at: At


@dataclass(frozen=True, slots=True)
class In:
    """A value by a list."""

    value: Value
    choices: tuple[Value, ...]
    negated: bool
    at: At


@dataclass(frozen=True, slots=True)
class Is:
    """`IS [NOT] EMPTY` and `IS [NOT] NULL`: the only conditions that see NULL."""

    value: Value
    what: OneOf["EMPTY", "NULL"]
    negated: bool
    at: At


@dataclass(frozen=True, slots=True)
class Junction:
    """Two or more conditions, joined by the same word."""

    word: OneOf["AND", "OR"]
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """True where the condition is not."""

    condition: Condition
    at: At


Value = Name | Literal | DateAdd | Case
Condition = Comparison | Like | In | Is | Junction | Not
Node = Value | Condition


@dataclass(frozen=True, slots=True)
class Expression:
    """A whole formula."""

    value: Value
    names: tuple[Name, ...]
    """Every appearance of a name, in order."""


def descendants(root: Node) -> Iterator[tuple[Node, int]]:
    """Every node with its depth from 1, in order of appearance; without recursion, so at any depth."""
    waiting: list[tuple[Node, int]] = [(root, 1)]
    while waiting:
        node, depth = waiting.pop()
        yield node, depth
        waiting.extend((child, depth + 1) for child in reversed(_children(node)))


def _children(node: Node) -> tuple[Node, ...]:
    children: tuple[Node, ...] = ()
    match node:
        case DateAdd():
            children = (node.amount, node.moment)
        case Case():
            whens = tuple(part for when in node.whens for part in when)
            children = whens if node.otherwise is None else (*whens, node.otherwise)
        case Comparison():
            children = (node.left, node.right)
        case In():
            children = (node.value, *node.choices)
        case Like() | Is():
            children = (node.value,)
        case Junction():
            children = node.conditions
        case Not():
            children = (node.condition,)
    return children
