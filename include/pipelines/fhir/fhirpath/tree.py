"""An expression as parsed: the syntax tree, with the place of each part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from include.pipelines.fhir.fhirpath.errors import ExpressionError


class At(NamedTuple):
    """The token that a part is known by."""

    line: int
    """From 1, within the expression."""
    column: int
    """From 1, in characters of the line."""
    token: str

    def error(self, message: str) -> ExpressionError:
        """A mistake at this token."""
        return ExpressionError(message, self.line, self.column, self.token)


@dataclass(frozen=True, slots=True)
class Literal:
    """A value written out; the empty collection `{}` has the value None. `type` is FHIR's name, in lower case."""

    value: str | int | Decimal | bool | None
    type: str | None
    at: At


@dataclass(frozen=True, slots=True)
class This:
    """`$this`."""

    at: At


@dataclass(frozen=True, slots=True)
class Variable:
    """`%name`: a constant of the view or a variable of its environment."""

    name: str
    at: At


@dataclass(frozen=True, slots=True)
class Member:
    """An element by name; without a source, of `$this`."""

    source: Node | None
    name: str
    at: At


@dataclass(frozen=True, slots=True)
class Call:
    """A function on a source; without one, on `$this`. `x is T` and `x as T` are calls, too."""

    source: Node | None
    name: str
    arguments: tuple[Node, ...]
    at: At


@dataclass(frozen=True, slots=True)
class Index:
    """`source[index]`."""

    source: Node
    index: Node
    at: At


@dataclass(frozen=True, slots=True)
class Operation:
    """Two sides of an operator; a sign before a value has no left side."""

    operator: str
    left: Node | None
    right: Node
    at: At


Node = Literal | This | Variable | Member | Call | Index | Operation


def children(node: Node) -> Iterator[Node]:
    """The parts directly within, in reading order."""
    match node:
        case Member(source=source) if source is not None:
            yield source
        case Call(source=source, arguments=arguments):
            yield from arguments if source is None else (source, *arguments)
        case Index(source=source, index=index):
            yield from (source, index)
        case Operation(left=left, right=right):
            yield from (right,) if left is None else (left, right)
