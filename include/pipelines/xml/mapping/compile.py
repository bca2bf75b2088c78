"""A contract compiled, once a process, to the plan that the hot loop follows.

The element steps of all paths of a table become one tree of steps; a document is walked once along it, and the
elements that selections chose once more, for their values. Chosen by prototypes without checks, on documents of the
demo (160 mapped columns, 6 tables, some 10 rows; CPU µs a record beside the parse of the same run; Python 3.11,
lxml 6.1):

    document                    10 KB   30 KB   145 KB
    parse alone                    62     170      760
    one walk along a tree          66      96      108
    XSLT to delimited text        107     150      190
    compiled XPath a column       260     320      510
    find() a column               770     940    1,140

As built, with strict conversions, repeats, required values and keys: 115, 175 and 270 (4 KB: 66). Most of it is
lxml's: a Python object for each element that is looked at. XSLT leaves the GIL, yet two threads were no faster with
it than with the walk (about 4,400 documents of 30 KB a second for either), and it cannot tell an element that is
missing from one that is empty.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from include.pipelines.xml.language.contract import Contract
from include.pipelines.xml.language.known_tables import known_in_contract
from include.pipelines.xml.language.paths import Path, expanded, parse_path, parse_rows
from include.pipelines.xml.language.table import Condition
from include.pipelines.xml.mapping.conversions import converter
from include.pipelines.xml.mapping.layout import layouts_of
from include.pipelines.xml.mapping.path_tree import PathTree
from include.pipelines.xml.mapping.plan_tables import marked_columns, table_plan
from include.pipelines.xml.mapping.plan_work import WorkPlan
from include.pipelines.xml.mapping.selections import Choice, Test
from include.pipelines.xml.mapping.slots import Chosen, SelectionKey, TableSlots, Taken
from include.pipelines.xml.mapping.staged_plan import StagedPlan
from include.pipelines.xml.mapping.table_plan import TablePlan
from include.pipelines.xml.mapping.used_tables import UsedTables
from include.pipelines.xml.mapping.value_chain import chain_of
from include.pipelines.xml.mapping.walk import (
    FEW,
    Field,
    Guarded,
    MappingPlan,
    Node,
    Visit,
    gather,
    open_rows,
    read_values,
)


@dataclass(slots=True)
class _Step(PathTree):
    """A node in the making."""

    values: list[tuple[str | None, Field]] = field(default_factory=list)
    """With the attribute, or None for the element's own text."""
    opens: list[int] = field(default_factory=list)
    choices: list[Choice] = field(default_factory=list)

    def add(self, path: Path, taken: Field) -> None:
        self.descend(path).values.append((path.attribute, taken))


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
        self.steps = [_Step() for _ in self.slots]
        """By table: what to do at its row's element."""
        self.starts: list[dict[SelectionKey | None, _Step]] = []
        """By table: what to do at the row's element and at those that are selected."""

    def plan(self) -> MappingPlan:
        """The contract's."""
        contract = self.contract
        key_place = f"{contract.key.column} ({contract.key.path})"
        record = _Step()
        if contract.key.parsed_path is not None:
            taken = Field(0, converter(contract.key.parsed_type.kind))
            record.add(contract.key.parsed_path.resolved(contract.namespaces), taken)
        self._grow(record)
        record_plan = TablePlan("record", [None], places=(key_place,), repeated=("reject",))
        return MappingPlan(
            root_tag=expanded(contract.root, contract.namespaces),
            root_name=contract.root,
            key_is_number=not contract.key.parsed_type.is_text,
            key_path=None if contract.key.path is None else key_place,
            record=self._node(record, record_plan),
            tables=tuple(self.plans),
            work=tuple(WorkPlan(self.tables, self.slots, self.plans).in_order()),
            mark_names=tuple(self.mark_names),
        )

    def _grow(self, record: _Step) -> None:
        """The trees of steps, of all tables."""
        layouts = [slots.layout for slots in self.slots]
        for index, slots in enumerate(self.slots):
            starts: dict[SelectionKey | None, _Step] = {None: self.steps[index]}
            for chosen in slots.chosen:
                candidates = starts[chosen.start].descend(self._resolved(parse_rows(chosen.path)))
                candidates.choices.append(self._choice(chosen))
                starts[chosen.key] = _Step()
            for taken in slots.taken:
                starts[taken.start].add(self._resolved(parse_path(taken.path)), self._field(taken))
            self.starts.append(starts)
            layout = slots.layout
            parent = record if layout.parent is None else self.steps[layouts.index(layout.parent)]
            parent.descend(self._resolved(layout.table.parsed_rows)).opens.append(index)

    def _resolved(self, path: Path) -> Path:
        return path.resolved(self.contract.namespaces)

    def _field(self, taken: Taken) -> Field:
        column = taken.column
        convert = chain_of(
            column.parsed_type,
            taken.steps,
            self.contract.enumerations,
            too_long=column.too_long,
            unparsable=column.unparsable,
        )
        return Field(taken.slot, convert, column.trim, column.empty == "text")

    def _choice(self, chosen: Chosen) -> Choice:
        selection = chosen.selection
        tests = [self._test(condition, chosen.condition_path(condition)) for condition in selection.where]
        return Choice(chosen.slot, tuple(tests), selection.take)

    def _test(self, condition: Condition, text: str) -> Test:
        path = self._resolved(parse_path(text))
        allowed = condition.allowed
        order = None if allowed is None else {value: position for position, value in enumerate(allowed)}
        return Test(path.steps, path.attribute, order)

    def _node(self, step: _Step, table: TablePlan) -> Node:
        guarded = {index: self._guarded(index) for index in step.opens if self._is_guarded(index)}
        node = Node(
            table,
            _visit(step),
            plain=tuple((name, taken.slot, taken.convert) for name, taken in step.values if taken.is_plain),
            careful=tuple((name, taken) for name, taken in step.values if not taken.is_plain),
            opens=tuple((index, self._row_node(index)) for index in step.opens if index not in guarded),
            guarded=tuple(guarded.items()),
            choices=tuple(step.choices),
        )
        for tag, child in step.children.items():
            plain = _plain(child)
            node.children[tag] = (plain.slot, plain.convert, None) if plain else (-1, None, self._node(child, table))
        if 0 < len(node.children) <= FEW:
            node.wanted = tuple(node.children)
        return node

    def _row_node(self, index: int) -> Node:
        return self._node(self.steps[index], self.plans[index])

    def _is_guarded(self, index: int) -> bool:
        return bool(self.slots[index].layout.table.where or self.slots[index].chosen)

    def _guarded(self, index: int) -> Guarded:
        plan, slots = self.plans[index], self.slots[index]
        starts = self.starts[index]
        return Guarded(
            self._row_node(index),
            tuple(self._test(condition, condition.path) for condition in slots.layout.table.where),
            plan.rank_slot if isinstance(plan, StagedPlan) else None,
            tuple((chosen.slot, self._node(starts[chosen.key], plan)) for chosen in slots.chosen),
        )


def _visit(step: _Step) -> Visit:
    if step.children or (step.values and (step.opens or step.choices)):
        return gather
    return open_rows if step.opens or step.choices else read_values


def _plain(step: _Step) -> Field | None:
    """The one value of an element that carries nothing else."""
    if step.opens or step.choices or step.children or len(step.values) != 1:
        return None
    ((name, taken),) = step.values
    return taken if name is None and taken.is_plain else None
