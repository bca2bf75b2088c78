"""A contract compiled, once a process, to the plan that the hot loop follows.

The element steps of all paths of all tables become one tree of steps; a document is walked once along it, and the
elements that selections chose once more, for their values. Chosen by prototypes without checks, on documents of the
demo (160 mapped columns, 6 tables, some 10 rows; CPU µs a record beside the parse of the same run; Python 3.11,
lxml 6.1):

    document                    10 KB   30 KB   145 KB
    parse alone                    62     170      760
    one walk along a tree          66      96      108
    XSLT to delimited text        107     150      190
    compiled XPath a column       260     320      510
    find() a column               770     940    1,140

As built, with strict conversions, repeats, required values and keys: 135 at 30 and at 145 KB (4 KB: 55). Most of it is
lxml's: a Python object for each element that is looked at. XSLT leaves the GIL, yet two threads were no faster with
it than with the walk (about 4,400 documents of 30 KB a second for either), and it cannot tell an element that is
missing from one that is empty.
"""

from __future__ import annotations

from include.pipelines.xml.language.contract import Contract
from include.pipelines.xml.language.known_tables import known_in_contract
from include.pipelines.xml.language.paths import Path, expanded, parse_path, parse_rows
from include.pipelines.xml.language.table import Condition
from include.pipelines.xml.mapping.conversions import converter
from include.pipelines.xml.mapping.layout import layouts_of
from include.pipelines.xml.mapping.node_tree import RowStep, Step, node_of
from include.pipelines.xml.mapping.plan import MappingPlan
from include.pipelines.xml.mapping.plan_tables import marked_columns, table_plan
from include.pipelines.xml.mapping.plan_work import WorkPlan
from include.pipelines.xml.mapping.selections import Choice, Test
from include.pipelines.xml.mapping.slots import Chosen, SelectionKey, TableSlots, Taken
from include.pipelines.xml.mapping.staged_plan import StagedPlan
from include.pipelines.xml.mapping.table_plan import TablePlan
from include.pipelines.xml.mapping.used_tables import UsedTables
from include.pipelines.xml.mapping.value_chain import chain_of
from include.pipelines.xml.mapping.walk import OWN, Field


def compile_contract(contract: Contract) -> MappingPlan:
    """Some milliseconds. Contracts that mean the same give the same plan within a process."""
    content = contract.meaning
    plan = _PLANS.get(content)
    if plan is None:
        # Two threads may both compile; the plans are equal, and one of them stays.
        plan = _PLANS.setdefault(content, _Compiler(contract).plan())
    return plan


_PLANS: dict[str, MappingPlan] = {}
"""By content, so that a contract that changed between two runs of one process is compiled again."""


class _Compiler:
    """Of one contract without mistakes."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.tables = known_in_contract(contract)
        self.slots = [TableSlots(layout) for layout in layouts_of(contract)]
        self.plans: list[TablePlan] = []
        self.mark_names: list[str] = []
        used = UsedTables(self.tables)
        for slots in self.slots:
            above = {plan.name: plan for plan in self.plans}
            self.plans.append(table_plan(slots, above, len(self.mark_names), used))
            self.mark_names += [f"{slots.layout.name}.{column.name}" for _, column in marked_columns(slots)]

    def plan(self) -> MappingPlan:
        """The contract's."""
        contract = self.contract
        key_place = f"{contract.key.column} ({contract.key.path})"
        record = TablePlan("record", [None], places=(key_place,), repeated=("reject",))
        return MappingPlan(
            root_tag=expanded(contract.root, contract.namespaces),
            root_name=contract.root,
            key_is_number=not contract.key.parsed_type.is_text,
            key_path=None if contract.key.path is None else key_place,
            record=node_of(self._steps(), (*self.plans, record)),
            tables=tuple(self.plans),
            work=tuple(WorkPlan(self.tables, self.slots, self.plans).in_order()),
            mark_names=tuple(self.mark_names),
        )

    def _steps(self) -> Step:
        """The tree of all tables, from the document element."""
        record, root = len(self.plans), Step()
        if self.contract.key.parsed_path is not None:
            path = self._resolved(self.contract.key.parsed_path)
            root.add_value(path, Field(_source(path), record, 0, converter(self.contract.key.parsed_type.kind)))
        rows = {"": (record, root)}
        for table, slots in enumerate(self.slots):
            layout = slots.layout
            parent, above = rows["" if layout.parent is None else layout.parent.name]
            step = above.reach(self._resolved(layout.table.parsed_rows), parent)
            rows[layout.name] = table, step
            step.opens.append(self._row_step(table, parent, step))
        return root

    def _starts(self, table: int, step: Step) -> dict[SelectionKey | None, Step]:
        """Where paths begin: at the row's element, and at those that its selections choose."""
        slots = self.slots[table]
        starts: dict[SelectionKey | None, Step] = {None: step}
        for chosen in slots.chosen:
            candidate = starts[chosen.start].reach(self._resolved(parse_rows(chosen.path)), table)
            candidate.choices.append((table, self._choice(chosen, candidate)))
            starts[chosen.key] = Step()
        for taken in slots.taken:
            path = self._resolved(parse_path(taken.path))
            starts[taken.start].add_value(path, self._field(taken, _source(path), table))
        return starts

    def _row_step(self, table: int, parent: int, step: Step) -> RowStep:
        plan, slots, starts = self.plans[table], self.slots[table], self._starts(table, step)
        return RowStep(
            table,
            parent,
            tuple(self._test(condition, condition.path, step) for condition in slots.layout.table.where),
            plan.rank_slot if isinstance(plan, StagedPlan) else None,
            tuple((chosen.slot, starts[chosen.key]) for chosen in slots.chosen),
        )

    def _resolved(self, path: Path) -> Path:
        return path.resolved(self.contract.namespaces)

    def _field(self, taken: Taken, source: str | None, table: int) -> Field:
        """Columns are held to their types by the target's tables, fields by nothing but their converter."""
        column = taken.column
        convert = chain_of(
            column.parsed_type,
            taken.steps,
            self.contract.enumerations,
            too_long=column.too_long,
            unparsable=column.unparsable,
            held=column in self.slots[table].layout.table.fields,
        )
        return Field(source, table, taken.slot, convert, column.trim, column.empty == "text")

    def _choice(self, chosen: Chosen, candidate: Step) -> Choice:
        selection = chosen.selection
        tests = [self._test(condition, chosen.condition_path(condition), candidate) for condition in selection.where]
        return Choice(chosen.slot, tuple(tests), selection.take)

    def _test(self, condition: Condition, path: str, step: Step) -> Test:
        allowed = condition.allowed
        order = None if allowed is None else {value: position for position, value in enumerate(allowed)}
        return step.add_test(self._resolved(parse_path(path)), order)


def _source(path: Path) -> str | None:
    """Where at its element a path finds the value: `.` alone may have other elements beside it."""
    return path.attribute or (None if path.steps else OWN)
