"""The rules of formulas across a contract: names that mean something, types that fit, and no circles."""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import CycleError

from include.pipelines.xml.formula.language import Expression, FieldRef, FormulaError, compile_formula
from include.pipelines.xml.language.calculations import Tables, Task, Use, tasks_in_order, use_of
from include.pipelines.xml.language.draft import Draft
from include.pipelines.xml.language.known_tables import KnownColumn, KnownTable, known_in_draft
from include.pipelines.xml.language.places import Mistake


def calculation_mistakes(draft: Draft) -> Iterator[Mistake]:
    """Formulas that cannot be parsed are the model's to report."""
    tables = known_in_draft(draft)
    for table in tables.values():
        for column in table.columns.values():
            if column.formula is not None:
                yield from _of_formula(column, column.formula, table, tables)
    try:
        list(tasks_in_order(tables))
    except CycleError as error:
        yield from _circle(error.args[1], tables)


def _of_formula(column: KnownColumn, formula: Expression, table: KnownTable, tables: Tables) -> Iterator[Mistake]:
    place = (*column.place, "calculate")
    uses: dict[tuple[str | None, str], Use] = {}
    wrong: dict[str, None] = {}
    for name in formula.names:
        try:
            uses[_key(name.table, name.column)] = use_of(name, table, tables)
        except FormulaError as error:
            wrong[str(error)] = None
    for message in wrong:
        yield place, message
    unknown = column.type is None or any(use.column.type is None for use in uses.values())
    if wrong or unknown or column.type is None:
        return

    def resolve(written: str | None, name: str) -> FieldRef | None:
        type_ = uses[_key(written, name)].column.type
        return None if type_ is None else FieldRef(type_, 0, 0)

    try:
        compile_formula(formula, resolve, column.type)
    except FormulaError as error:
        yield place, str(error)


def _key(table: str | None, column: str) -> tuple[str | None, str]:
    return (None if table is None else table.lower(), column.lower())


def _circle(circle: list[Task], tables: Tables) -> Iterator[Mistake]:
    # Each is needed by the next in the list.
    formulas = [task for task in circle if task.column is not None]
    path = " to ".join(task.place for task in reversed(circle))
    first = min(formulas, key=lambda task: task.place)
    column = tables[first.table].columns[first.column or ""]
    yield (*column.place, "calculate"), f"the formulas go round: {path}"
