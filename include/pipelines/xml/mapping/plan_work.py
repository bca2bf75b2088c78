"""In which order the rows of a record are completed, and the formulas of a contract as functions of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from include.pipelines.xml.formula.language import FieldRef, compile_formula
from include.pipelines.xml.formula.tree import Name
from include.pipelines.xml.language.calculations import Tables, Task, tasks_in_order, use_of
from include.pipelines.xml.language.known_tables import KnownTable
from include.pipelines.xml.mapping.calculated_rows import Calculated, CalculatedRows
from include.pipelines.xml.mapping.fitting import fitting
from include.pipelines.xml.mapping.plan import Work
from include.pipelines.xml.mapping.slots import TableSlots
from include.pipelines.xml.mapping.staged_plan import StagedPlan
from include.pipelines.xml.mapping.table_plan import TablePlan
from include.pipelines.xml.mapping.value_chain import chain_of

Resolve = Callable[[str | None, str], FieldRef | None]


@dataclass(frozen=True, slots=True)
class WorkPlan:
    """The tables of a contract, as formulas and as rows know them; the latter in insertion order."""

    tables: Tables
    slots: Sequence[TableSlots]
    plans: Sequence[TablePlan]

    def in_order(self) -> Iterator[tuple[int, Work]]:
        """(position of a table, what is done to its rows)."""
        for index, plan in enumerate(self.plans):
            if isinstance(plan, StagedPlan):
                yield index, plan.prepare
        for ready in tasks_in_order(self.tables):
            ready.sort(key=self._turn)
            for (index, completes), tasks in groupby(ready, self._turn):
                plan = self.plans[index]
                if not completes:
                    yield index, self._calculated(index, list(tasks))
                else:
                    yield index, plan.complete if isinstance(plan, StagedPlan) else plan.finish

    def _turn(self, task: Task) -> tuple[int, bool]:
        return self._position(task.table), task.column is None

    def _position(self, table: str) -> int:
        return next(index for index, plan in enumerate(self.plans) if plan.name.lower() == table.lower())

    def _calculated(self, index: int, tasks: Sequence[Task]) -> CalculatedRows:
        """Formulas of one table."""
        plan = self.plans[index]
        table = self.tables[plan.name.lower()]
        frames: dict[tuple[str, int | None], int] = {(table.name, 0): 0}

        def resolve(written: str | None, name: str) -> FieldRef | None:
            use = use_of(Name(written, name, 1, 1), table, self.tables)
            frame = frames.setdefault((use.table.name, use.levels_up), len(frames))
            return None if use.column.type is None else FieldRef(use.column.type, frame, use.column.slot)

        columns = tuple(self._column(self.slots[index], table, task, resolve) for task in tasks)
        return CalculatedRows(
            plan,
            columns,
            len(frames),
            tuple((frame, self._way_up(table, levels)) for (_, levels), frame in frames.items() if levels),
            tuple((frame, self._position(name)) for (name, levels), frame in frames.items() if levels is None),
        )

    def _column(self, slots: TableSlots, table: KnownTable, task: Task, resolve: Resolve) -> Calculated:
        known = table.columns[task.column or ""]
        column = next(column for slot, column in slots.columns if slot == known.slot)
        if column.formula is None:
            raise AssertionError(f"{task.place} has no formula")
        evaluate = compile_formula(column.formula, resolve, column.parsed_type)
        fit = None if known.is_written else fitting(column.parsed_type)
        if column.too_long == "truncate":
            fit = chain_of(column.parsed_type, (), {}, too_long="truncate")
        return Calculated(known.slot, f"{table.name}.{column.name}", evaluate, column.default_value, fit)

    def _way_up(self, table: KnownTable, levels: int) -> tuple[int, ...]:
        """From the parent's row: the slots where each row has its parent's."""
        above = [self.plans[self._position(ancestor.name)] for ancestor in table.ancestors[: levels - 1]]
        return tuple(plan.parent_slot for plan in above if isinstance(plan, StagedPlan) and plan.parent_slot)
