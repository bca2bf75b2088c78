"""The tree of steps that all paths of a contract make, and from it the nodes that the walk follows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from include.pipelines.xml.language.paths import Path
from include.pipelines.xml.mapping.path_tree import PathTree
from include.pipelines.xml.mapping.selections import Choice, Test
from include.pipelines.xml.mapping.table_plan import TablePlan
from include.pipelines.xml.mapping.walk import (
    FEW,
    MANY,
    Field,
    Node,
    Opening,
    Visit,
    read_values,
    walk_children,
    walk_whole,
)


@dataclass(slots=True)
class Step(PathTree):
    """A node in the making."""

    values: list[Field] = field(default_factory=list)
    opens: list[RowStep] = field(default_factory=list)
    """Parents first."""
    choices: list[tuple[int, Choice]] = field(default_factory=list)
    asked: dict[Path, int] = field(default_factory=dict)
    """What conditions ask for, by path, with the number of each text."""
    wanted_by: set[int] = field(default_factory=set)
    """Tables one of which must have a row open, else the children are of no use."""

    def reach(self, path: Path, table: int) -> Step:
        """The step that the path leads to, on a way that is of use to the table."""
        step = self
        for tag in path.steps:
            step.wanted_by.add(table)
            step = step.child(tag)
        return step

    def add_value(self, path: Path, taken: Field) -> None:
        """Of the element or attribute that the path leads to."""
        self.reach(path, taken.table).values.append(taken)

    def add_test(self, path: Path, order: Mapping[str, int] | None) -> Test:
        """Of a condition that the element must hold."""
        return Test(self.asked.setdefault(path, len(self.asked)), path.steps, path.attribute, order)


@dataclass(frozen=True, slots=True)
class RowStep:
    """A table whose rows open at a step."""

    table: int
    parent: int
    tests: tuple[Test, ...]
    rank_slot: int | None
    chosen: tuple[tuple[int, Step], ...]
    """(slot of a selection, the step that begins at the element that was chosen)."""


def node_of(step: Step, tables: tuple[TablePlan, ...]) -> Node:
    """`tables` are all of the plan, last the record's, which has a row open always."""
    owner = _owner(step, len(tables) - 1)
    node = Node(
        _visit(step),
        tables,
        plain=tuple(taken[:4] for taken in step.values if taken.is_plain),
        careful=tuple(taken for taken in step.values if not taken.is_plain),
        asked=len(step.asked),
        opens=tuple(_opening(opened, tables[opened.table]) for opened in step.opens),
        wanted_by=_wanted_by(step, len(tables) - 1),
        choices=tuple(step.choices),
        chosen=tuple(
            (opened.table, slot, node_of(chosen, tables)) for opened in step.opens for slot, chosen in opened.chosen
        ),
        owner=owner,
    )
    for tag, child in step.children.items():
        only = _only_value(child)
        if only is not None and only.table == owner:
            node.children[tag] = only.slot, only.convert, None
        else:
            node.children[tag] = node.inner[tag] = -1, None, node_of(child, tables)
    if 0 < len(node.children) <= FEW:
        node.at_once, node.wanted = MANY, tuple(node.children)
    return node


def _opening(opened: RowStep, table: TablePlan) -> Opening:
    return Opening(opened.table, opened.parent, table.blank, opened.tests, opened.rank_slot)


def _wanted_by(step: Step, record: int) -> tuple[int, ...] | None:
    """Worth a look only where conditions may leave the element out."""
    guarded = any(opened.tests for opened in step.opens)
    return tuple(sorted(step.wanted_by)) if guarded and record not in step.wanted_by else None


def _visit(step: Step) -> Visit:
    if step.opens or step.choices or (step.values and step.children):
        return walk_whole
    return read_values if step.values else walk_children


def _owner(step: Step, record: int) -> int:
    values = [taken for child in step.children.values() if (taken := _only_value(child)) is not None]
    ((owner, _),) = Counter(taken.table for taken in values).most_common(1) or [(record, 0)]
    return owner


def _only_value(step: Step) -> Field | None:
    """The one value of an element that carries nothing else."""
    if step.opens or step.choices or step.children or len(step.values) != 1:
        return None
    (taken,) = step.values
    return taken if taken.source is None and taken.is_plain else None
