"""Which rows and columns the names of formulas mean, and in which order formulas and tables can be completed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter

from include.pipelines.xml.formula.language import FormulaError, Name
from include.pipelines.xml.language.known_tables import KnownColumn, KnownTable

Tables = Mapping[str, KnownTable]
"""By name in lower case."""


@dataclass(frozen=True, slots=True)
class Use:
    """What a name in a formula stands for."""

    table: KnownTable
    column: KnownColumn
    levels_up: int | None
    """0 is the own row, 1 its parent's; None is the only row that the table has in the record."""


@dataclass(frozen=True, slots=True)
class Task:
    """Something to be done once a record: a formula over all rows of its table, or the completion of a table."""

    table: str
    """In lower case."""
    column: str | None = None
    """In lower case; None is the completion of the table: keys, duplicates, row numbers."""

    @property
    def place(self) -> str:
        """For messages."""
        return self.table if self.column is None else f"{self.table}.{self.column}"


def use_of(name: Name, table: KnownTable, tables: Tables) -> Use:
    """Raises `FormulaError` at the name that means nothing here."""
    other = table if name.table is None else tables.get(name.table.lower())
    if other is None:
        raise _unknown(name, f"there is no table {name.table}", [found.name for found in tables.values()], name.table)
    column = other.columns.get(name.column.lower())
    if column is None:
        message = f"{other.name} has no column or field {name.column}"
        raise _unknown(name, message, [found.name for found in other.columns.values()], name.column)
    if other is table:
        if column.is_number:
            raise name.at.error("rows are numbered after the formulas: no formula can use its own row's number")
        if column.carried is not None and table.parent is not None:
            return Use(table.parent, column.carried, 1)
        return Use(table, column, 0)
    if other in table.ancestors:
        return Use(other, column, table.ancestors.index(other) + 1)
    if other.makes_rows:
        raise name.at.error(f"{other.name} makes rows from items or groups: no formula can use them")
    if not other.is_settled_single:
        raise name.at.error(
            f"{other.name} may have several rows in a record: a formula sees its own row, "
            "its parents' rows, and tables that have one row at most"
        )
    return Use(other, column, None)


def _unknown(name: Name, message: str, known: Iterable[str], written: str | None) -> FormulaError:
    names = {found.lower(): found for found in known}
    near = difflib.get_close_matches((written or "").lower(), names, n=1)
    hint = f"did you mean {names[near[0]]}?" if near else f"there are {', '.join(names.values()) or 'none'}"
    return name.at.error(f"{message}; {hint}")


def tasks_in_order(tables: Tables) -> Iterator[list[Task]]:
    """What can be done at the same time, in batches; formulas whose names mean nothing are left out.

    Raises `graphlib.CycleError`.
    """
    sorter = TopologicalSorter(_needs(tables))
    sorter.prepare()
    while sorter.is_active():
        ready = sorter.get_ready()
        yield list(ready)
        sorter.done(*ready)


def _needs(tables: Tables) -> dict[Task, set[Task]]:
    needs: dict[Task, set[Task]] = {}
    for key, table in tables.items():
        completed = needs.setdefault(Task(key), set())
        if table.parent is not None:
            completed.add(Task(table.parent.name.lower()))
        for column_key, column in table.columns.items():
            if column.formula is None:
                continue
            task = Task(key, column_key)
            completed.add(task)
            uses = uses_of(column, table, tables)
            needs[task] = set() if isinstance(uses, FormulaError) else {need for use in uses for need in _need_of(use)}
    return needs


def uses_of(column: KnownColumn, table: KnownTable, tables: Tables) -> list[Use] | FormulaError:
    """Of all names of a column's formula, or what is wrong with the first wrong one."""
    names = () if column.formula is None else column.formula.names
    try:
        return [use_of(name, table, tables) for name in names]
    except FormulaError as error:
        return error


def _need_of(use: Use) -> Iterator[Task]:
    """What must be done before a value can be used. Values of the document are there from the start."""
    key = use.table.name.lower()
    if use.column.formula is not None:
        yield Task(key, use.column.name.lower())
    # Which of several rows stays is known when duplicates are settled; keys and row numbers come then, too.
    unsettled = use.levels_up is None and not use.table.is_single
    if unsettled or use.column.is_number or (use.column.carried is not None and use.levels_up != 0):
        yield Task(key)
