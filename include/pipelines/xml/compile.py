"""A contract compiled, once a process, to the plan that the hot loop follows.

The element steps of all paths of a table become one tree of steps; a document is walked once along it. Chosen by
prototypes without checks, on documents of the demo (160 mapped columns, 6 tables, some 10 rows; CPU µs a record
beside the parse of the same run; Python 3.11, lxml 6.1):

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

from include.pipelines.xml.columns import Column
from include.pipelines.xml.contract import Contract
from include.pipelines.xml.conversions import converter
from include.pipelines.xml.layout import TableLayout, layouts_of
from include.pipelines.xml.mapping import Field, MappingPlan, Node, TablePlan
from include.pipelines.xml.paths import Path, expanded


@dataclass(slots=True)
class _Step:
    """A node in the making."""

    texts: list[Field] = field(default_factory=list)
    attributes: list[tuple[str, Field]] = field(default_factory=list)
    opens: list[int] = field(default_factory=list)
    children: dict[str, _Step] = field(default_factory=dict)

    def descend(self, path: Path) -> _Step:
        step = self
        for name in path.steps:
            step = step.children.setdefault(name, _Step())
        return step

    def add(self, path: Path, taken: Field) -> None:
        step = self.descend(path)
        if path.attribute is None:
            step.texts.append(taken)
        else:
            step.attributes.append((path.attribute, taken))


def compile_contract(contract: Contract) -> MappingPlan:
    """Some milliseconds. Equal contracts give the same plan within a process."""
    content = contract.model_dump_json(by_alias=True)
    plan = _PLANS.get(content)
    if plan is None:
        # Two threads may both compile; the plans are equal, and one of them stays.
        plan = _PLANS.setdefault(content, _compiled(contract))
    return plan


_PLANS: dict[str, MappingPlan] = {}
"""By content, so that a contract that changed between two runs of one process is compiled again."""


def _compiled(contract: Contract) -> MappingPlan:
    layouts = layouts_of(contract)
    plans = tuple(_table_plan(layout) for layout in layouts)
    record = _Step()
    if contract.key.parsed_path is not None:
        taken = Field(0, converter(contract.key.parsed_type.kind))
        record.add(contract.key.parsed_path.resolved(contract.namespaces), taken)
    steps = [_Step() for _ in layouts]
    for index, layout in enumerate(layouts):
        for slot, column in enumerate(layout.table.columns, layout.first_slot):
            steps[index].add(column.parsed_path.resolved(contract.namespaces), _field(slot, column))
        parent = record if layout.parent is None else steps[layouts.index(layout.parent)]
        parent.descend(layout.table.parsed_rows.resolved(contract.namespaces)).opens.append(index)
    key_place = f"{contract.key.column} ({contract.key.path})"
    record_plan = TablePlan("record", 1, places=(key_place,), repeated=("reject",))
    return MappingPlan(
        root_tag=expanded(contract.root, contract.namespaces),
        root_name=contract.root,
        key_is_number=not contract.key.parsed_type.is_text,
        key_path=None if contract.key.path is None else key_place,
        record=_node(record, record_plan, steps, plans),
        tables=plans,
    )


def _field(slot: int, column: Column) -> Field:
    return Field(slot, converter(column.parsed_type.kind), column.trim, column.empty == "text")


def _node(step: _Step, table: TablePlan, steps: list[_Step], plans: tuple[TablePlan, ...]) -> Node:
    node = Node(
        table,
        texts=tuple(step.texts),
        attributes=tuple(step.attributes),
        opens=tuple((index, _node(steps[index], plans[index], steps, plans)) for index in step.opens),
    )
    for tag, child in step.children.items():
        plain = _plain(child)
        node.children[tag] = (
            (plain.slot, plain.convert, None) if plain else (-1, None, _node(child, table, steps, plans))
        )
    return node


def _plain(step: _Step) -> Field | None:
    """The one value of an element that carries nothing else."""
    if step.attributes or step.opens or step.children or len(step.texts) != 1:
        return None
    taken = step.texts[0]
    return taken if taken.trim and not taken.keep_empty else None


def _table_plan(layout: TableLayout) -> TablePlan:
    columns = list(enumerate(layout.table.columns, layout.first_slot))
    place = _row_place(layout)
    declared = layout.table.primary_key
    return TablePlan(
        name=layout.name,
        width=len(layout.names),
        inherited=tuple((slot, column.parent_slot) for slot, column in enumerate(layout.inherited)),
        number_slot=layout.number_slot,
        defaults=tuple((slot, column.default_value) for slot, column in columns if column.default is not None),
        required=tuple(slot for slot, column in columns if column.required),
        unique=tuple(layout.names.index(name) for name in layout.primary_key) if declared else (),
        places=(
            *(f"{layout.name}.{name}" for name in layout.names[: layout.first_slot]),
            *(f"{layout.name}.{column.name} ({_joined(place, column.path)})" for _, column in columns),
        ),
        repeated=(*(["reject"] * layout.first_slot), *(column.repeated for _, column in columns)),  # type: ignore[arg-type]
    )


def _row_place(layout: TableLayout) -> str:
    above = "" if layout.parent is None else _row_place(layout.parent)
    return _joined(above, layout.table.rows) if layout.table.rows != "." else above


def _joined(above: str, path: str) -> str:
    return f"{above}/{path}" if above else path
