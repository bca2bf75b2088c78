"""From the selects of a checked definition to closures, and to the columns that they give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from include.pipelines.fhir.fhirpath.compile import compile_tree, shows_row_index
from include.pipelines.fhir.fhirpath.compiled import Compiled
from include.pipelines.fhir.fhirpath.grammar import parse
from include.pipelines.fhir.fhirpath.tree import Literal
from include.pipelines.fhir.views.columns import Conversions, ViewColumn, column_of, kept_as_is, united
from include.pipelines.fhir.views.definition import Column, Select, ViewDefinition
from include.pipelines.fhir.views.faults import Fault, FaultError, Place, written
from include.pipelines.fhir.views.rows import (
    Part,
    PartialRow,
    Reader,
    Rows,
    combined,
    for_each,
    repeated,
    union,
)


@dataclass(frozen=True, slots=True)
class CompiledSelect:
    """What a select adds to a row."""

    parts: tuple[Part, ...]
    columns: tuple[ViewColumn, ...]
    null_row: PartialRow
    """Its values where an enclosing `forEachOrNull` finds nothing."""

    @property
    def rows(self) -> Rows:
        """All parts together."""
        return combined(self.parts)


def constants_of(definition: ViewDefinition) -> dict[str, Literal]:
    """As expressions read them."""
    return {constant.name: constant.literal for constant in definition.constant}


class SelectCompiler:
    """Holds what all selects of a view share. Raises `FaultError` where the branches of a union differ in type."""

    def __init__(self, constants: Mapping[str, Literal], resource: str, conversions: Conversions) -> None:
        self._constants = constants
        self._resource = resource
        self._conversions = conversions

    def expression(self, text: str) -> Compiled:
        """Raises `ExpressionError`."""
        return compile_tree(parse(text), self._constants, self._resource)

    def selects(self, selects: tuple[Select, ...], place: Place) -> CompiledSelect:
        """Selects beside each other: their rows are combined."""
        return _beside([self.select(select, (*place, index)) for index, select in enumerate(selects)])

    def select(self, select: Select, place: Place) -> CompiledSelect:
        """One select, with all that is nested in it."""
        parts = [self._column(column) for column in select.column]
        if select.select:
            parts.append(self.selects(select.select, (*place, "select")))
        if select.union_all:
            parts.append(self._union(select.union_all, (*place, "unionAll")))
        return self._iterated(select, _beside(parts), place)

    def _column(self, column: Column) -> CompiledSelect:
        tree = parse(column.path)
        compiled = compile_tree(tree, self._constants, self._resource)
        made = column_of(column, compiled)
        convert = self._conversions(made)
        reader = Reader(made.name, compiled.many if made.collection else compiled.one, convert, kept_as_is(made))
        return CompiledSelect((Part((reader,)),), (made,), (convert(0) if shows_row_index(tree) else None,))

    def _union(self, branches: tuple[Select, ...], place: Place) -> CompiledSelect:
        compiled = [self.select(branch, (*place, index)) for index, branch in enumerate(branches)]
        columns = compiled[0].columns
        for index, branch in enumerate(compiled[1:], 1):
            try:
                columns = tuple(united(one, other) for one, other in zip(columns, branch.columns, strict=True))
            except ValueError as error:
                raise FaultError(Fault((*place, index), str(error))) from None
        part = Part(rows=union([branch.rows for branch in compiled]))
        return CompiledSelect((part,), columns, compiled[0].null_row)

    def _iterated(self, select: Select, body: CompiledSelect, place: Place) -> CompiledSelect:
        if select.repeat:
            foci = repeated([self.expression(text).many for text in select.repeat])
            rows = for_each(written((*place, "repeat")), foci, body.rows)
        elif select.for_each is not None:
            rows = for_each(written((*place, "forEach")), self.expression(select.for_each).many, body.rows)
        elif select.for_each_or_null is not None:
            foci = self.expression(select.for_each_or_null).many
            rows = for_each(written((*place, "forEachOrNull")), foci, body.rows, body.null_row)
        else:
            return body
        return CompiledSelect((Part(rows=rows),), body.columns, body.null_row)


def _beside(selects: list[CompiledSelect]) -> CompiledSelect:
    return CompiledSelect(
        tuple(part for select in selects for part in select.parts),
        tuple(column for select in selects for column in select.columns),
        tuple(null for select in selects for null in select.null_row),
    )
