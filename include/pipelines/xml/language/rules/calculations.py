"""The rules of formulas across a contract: names that mean something, types that fit, and no circles."""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import CycleError

from include.pipelines.xml.formula.language import Expression, FieldRef, FormulaError, Name, compile_formula
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
                yield from _of_formula(draft, column, column.formula, table, tables)
    try:
        list(tasks_in_order(tables))
    except CycleError as error:
        yield from _circle(error.args[1], tables)


def _of_formula(
    draft: Draft, column: KnownColumn, formula: Expression, table: KnownTable, tables: Tables
) -> Iterator[Mistake]:
    place = (*column.place, "calculate")
    uses: dict[tuple[str | None, str], Use] = {}
    wrong: dict[str, None] = {}
    unknown = column.type is None
    for name in formula.names:
        try:
            uses[_key(name.table, name.column)] = use_of(name, table, tables)
        except FormulaError as error:
            if _is_hidden(draft, name, table, tables):
                unknown = True
            else:
                wrong[str(error)] = None
    for message in wrong:
        yield place, message
    unknown = unknown or any(use.column.type is None for use in uses.values())
    if wrong or unknown or column.type is None:
        return

    def resolve(written: str | None, name: str) -> FieldRef | None:
        type_ = uses[_key(written, name)].column.type
        return None if type_ is None else FieldRef(type_, 0, 0)

    try:
        compile_formula(formula, resolve, column.type)
    except FormulaError as error:
        yield place, str(error)


def _is_hidden(draft: Draft, name: Name, table: KnownTable, tables: Tables) -> bool:
    """Whether other mistakes keep from being known what a name stands for."""
    other = table if name.table is None else tables.get(name.table.lower())
    if other is None:
        return not draft.knows_its_tables or (name.table or "").lower() in draft.by_name
    known = draft.by_name[other.name.lower()]
    return name.column.lower() not in other.columns and draft.hides_columns(known)


def _key(table: str | None, column: str) -> tuple[str | None, str]:
    return (None if table is None else table.lower(), column.lower())


def _circle(circle: list[Task], tables: Tables) -> Iterator[Mistake]:
    # Each is needed by the next in the list.
    formulas = [task for task in circle if task.column is not None]
    path = " to ".join(task.place for task in reversed(circle))
    first = min(formulas, key=lambda task: task.place)
    column = tables[first.table].columns[first.column or ""]
    yield (*column.place, "calculate"), f"the formulas go round: {path}"
