"""What must hold across a view definition: its expressions, its constants and the columns that it gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from include.pipelines.fhir.fhirpath.compile import ENVIRONMENT, compile_expression
from include.pipelines.fhir.fhirpath.compiled import EMPTY, Compiled
from include.pipelines.fhir.fhirpath.errors import ExpressionError
from include.pipelines.fhir.fhirpath.tree import Literal
from include.pipelines.fhir.views.columns import column_of
from include.pipelines.fhir.views.definition import Column
from include.pipelines.fhir.views.draft import (
    ITERATIONS,
    Raw,
    constants,
    iterations,
    object_of,
    objects,
    selects,
    text,
    valid,
)
from include.pipelines.fhir.views.faults import Fault, Place
from include.pipelines.fhir.views.resources import HOUSE_COLUMNS


class _DraftColumn(NamedTuple):
    """A column of the result, as far as it can be told."""

    name: str
    place: Place
    type: str | None
    collection: bool


def faults_across(raw: object) -> Iterator[Fault]:
    """Never raises: what cannot be read is left out, since the models report it."""
    definition = object_of(raw)
    yield from _constant_faults(definition)
    yield from _Expressions(definition).faults()
    if definition.get("select") == []:
        yield Fault(("select",), "must not be empty")
    for place, select in selects(definition):
        yield from _select_faults(place, select)
    columns, faults = _columns_of(definition, ())
    yield from faults
    yield from _name_faults(columns)


def _constant_faults(definition: Raw) -> Iterator[Fault]:
    seen: set[str] = set()
    for place, constant in objects(definition, "constant", ()):
        name = text(constant, "name")
        if name in ENVIRONMENT:
            yield Fault((*place, "name"), f"%{name} has a meaning of its own")
        if name in seen:
            yield Fault((*place, "name"), f"there is another constant {name}")
        seen |= {name} if name else set()


def _select_faults(place: Place, select: Raw) -> Iterator[Fault]:
    if not any(select.get(name) for name in ("column", "select", "unionAll")):
        yield Fault(place, "gives no columns: it needs column, select or unionAll")
    if len([name for name in (*ITERATIONS, "repeat") if select.get(name)]) > 1:
        yield Fault(place, "has more than one of forEach, forEachOrNull and repeat: keep one of them")


class _Expressions:
    """Compiles each expression of a definition for its mistakes."""

    def __init__(self, definition: Raw) -> None:
        self._definition = definition
        self._constants: dict[str, Literal] = constants(definition)
        self._resource = text(definition, "resource") or ""

    def faults(self) -> Iterator[Fault]:
        for place, where in objects(self._definition, "where", ()):
            yield from self._condition((*place, "path"), text(where, "path"))
        for place, select in selects(self._definition):
            for at, path in iterations(select, place):
                yield from self._compiled(at, path)[1]
            for at, column in objects(select, "column", place):
                yield from self._column(at, column)

    def _compiled(self, place: Place, path: str) -> tuple[Compiled | None, list[Fault]]:
        try:
            return compile_expression(path, self._constants, self._resource), []
        except ExpressionError as error:
            return None, [Fault(place, str(error))]

    def _condition(self, place: Place, path: str | None) -> Iterator[Fault]:
        if path is None:
            return
        compiled, faults = self._compiled(place, path)
        yield from faults
        if compiled is not None and compiled.type not in {None, "boolean"} and not compiled.by_name:
            yield Fault(place, f"a condition gives a boolean, this gives {compiled.type}")

    def _column(self, place: Place, raw: Raw) -> Iterator[Fault]:
        path, column = text(raw, "path"), valid(raw, Column)
        compiled, faults = (None, []) if path is None else self._compiled((*place, "path"), path)
        yield from faults
        if column is None:
            column = Column(path="id", name="any", type=text(raw, "type"))
        try:
            column_of(column, compiled or EMPTY)
        except ValueError as error:
            yield Fault(place, str(error))


def _columns_of(owner: Raw, place: Place) -> tuple[list[_DraftColumn], list[Fault]]:
    """The columns that a select gives: its own, those of nested selects, those of its union."""
    columns = [
        _DraftColumn(name, at, text(column, "type"), column.get("collection") is True)
        for at, column in objects(owner, "column", place)
        if (name := text(column, "name")) is not None
    ]
    faults: list[Fault] = []
    for at, select in objects(owner, "select", place):
        more, found = _columns_of(select, at)
        columns += more
        faults += found
    branches = [(at, *_columns_of(branch, at)) for at, branch in objects(owner, "unionAll", place)]
    for at, branch, found in branches:
        faults += found
        faults += _branch_faults(at, branches[0][1], branch)
    return columns + (branches[0][1] if branches else []), faults


def _branch_faults(place: Place, first: Sequence[_DraftColumn], branch: Sequence[_DraftColumn]) -> Iterator[Fault]:
    names, others = [column.name for column in first], [column.name for column in branch]
    if names != others:
        yield Fault(place, f"gives the columns {', '.join(others)}, the first of the union {', '.join(names)}")
        return
    for one, other in zip(first, branch, strict=True):
        if (one.type, one.collection) != (other.type, other.collection):
            yield Fault(other.place, f"{other.name} is of another type in the first of the union")


def _name_faults(columns: Sequence[_DraftColumn]) -> Iterator[Fault]:
    """Databases do not tell names apart by case."""
    seen: set[str] = {column.lower() for column in HOUSE_COLUMNS}
    for column in columns:
        if column.name.lower() in seen:
            owned = column.name.lower() in HOUSE_COLUMNS
            message = "every table has that column already" if owned else "there is another column of that name"
            yield Fault((*column.place, "name"), f"{column.name}: {message}")
        seen.add(column.name.lower())
