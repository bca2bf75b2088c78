"""What a select becomes: a closure from an element to partial rows, as the specification's `Process` gives them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from include.pipelines.fhir.fhirpath.compiled import Item, Many, One, Scope
from include.pipelines.fhir.fhirpath.errors import Cause, EvaluationError
from include.pipelines.fhir.views.values import Convert

MAX_ROWS = 100_000
"""Rows of one resource, and elements that one `repeat` visits: selects beside each other multiply."""

PartialRow = tuple[Any, ...]
Rows = Callable[[Item, Scope], list[PartialRow]]


class PlacedError(Exception):
    """An `EvaluationError` with the column's name, or the place of the directive, that it happened in."""

    def __init__(self, place: str, cause: Cause) -> None:
        super().__init__(place, cause)
        self.place = place
        self.cause: Cause = cause


class Reader(NamedTuple):
    """A column of a row."""

    name: str
    read: One
    """The value; of a collection, the sequence of all its values."""
    convert: Convert
    """Gets no None."""
    kept: type
    """Values of this very type need no conversion."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a row: columns, or the rows of a nested select. Exactly one of both."""

    columns: tuple[Reader, ...] = ()
    rows: Rows | None = None


def combined(parts: Sequence[Part]) -> Rows:
    """Every combination of the parts' rows, those of the last part changing fastest."""
    merged = _merged(parts)
    if len(merged) == 1:
        return _rows_of(merged[0])
    sources = tuple(map(_rows_of, merged))

    def evaluate(node: Item, scope: Scope) -> list[PartialRow]:
        rows: list[PartialRow] = [()]
        for source in sources:
            more = source(node, scope)
            if len(rows) * len(more) > MAX_ROWS:
                raise EvaluationError("too_many_rows")
            rows = [row + other for row in rows for other in more]
            if not rows:
                return rows
        return rows

    return evaluate


def _merged(parts: Sequence[Part]) -> list[Part]:
    """Columns that follow each other are read together."""
    merged: list[Part] = []
    for part in parts:
        if part.rows is None and merged and merged[-1].rows is None:
            merged[-1] = Part((*merged[-1].columns, *part.columns))
        else:
            merged.append(part)
    return merged


def _rows_of(part: Part) -> Rows:
    return part.rows if part.rows is not None else _one_row(part.columns)


def _one_row(columns: tuple[Reader, ...]) -> Rows:
    def evaluate(node: Item, scope: Scope) -> list[PartialRow]:
        row: list[Any] = []
        name = ""
        try:
            for name, read, convert, kept in columns:  # noqa: B007 - the error names the column it stopped at
                found = read(node, scope)
                row.append(found if found is None or type(found) is kept else convert(found))
        except EvaluationError as error:
            raise PlacedError(name, error.cause) from None
        return [tuple(row)]

    return evaluate


def union(branches: Sequence[Rows]) -> Rows:
    """The rows of all branches, one branch after the other."""
    sources = tuple(branches)
    return lambda node, scope: [row for source in sources for row in source(node, scope)]


def for_each(place: str, foci: Many, body: Rows, null_row: PartialRow | None = None) -> Rows:
    """The rows of the body for each element; where there is none, the null row if there is one."""

    def evaluate(node: Item, scope: Scope) -> list[PartialRow]:
        try:
            found = foci(node, scope)
        except EvaluationError as error:
            raise PlacedError(place, error.cause) from None
        if not found and null_row is not None:
            return [null_row]
        resource = scope[0]
        rows: list[PartialRow] = []
        for index, focus in enumerate(found):
            rows += body(focus, (resource, index))
            if len(rows) > MAX_ROWS:
                raise EvaluationError("too_many_rows")
        return rows

    return evaluate


def repeated(paths: Sequence[Many]) -> Many:
    """Every element that the paths lead to, from each element found again, parents before children."""
    sources = tuple(paths)

    def evaluate(node: Item, scope: Scope) -> list[Item]:
        found: list[Item] = []
        waiting = [child for many in sources for child in many(node, scope)][::-1]
        while waiting:
            if len(found) + len(waiting) > MAX_ROWS:
                raise EvaluationError("too_many_rows")
            element = waiting.pop()
            found.append(element)
            waiting += [child for many in sources for child in many(element, scope)][::-1]
        return found

    return evaluate
