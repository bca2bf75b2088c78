"""The positions of a row: those that are written, then those that only the mapping of a record needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from include.pipelines.xml.language.columns import Column, Repeated
from include.pipelines.xml.language.literals import literal_reader
from include.pipelines.xml.language.paths import GROUP, filled_in
from include.pipelines.xml.language.steps import Step
from include.pipelines.xml.language.table import Condition, Group, Selection
from include.pipelines.xml.mapping.expansion import Alternative
from include.pipelines.xml.mapping.layout import TableLayout

SelectionKey = tuple[str, str | None]
"""Its name, and the group where it is another for each."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A value that the walk takes from the document."""

    slot: int
    column: Column
    """Whose type it gets, and to whom its warnings are counted."""
    path: str
    start: SelectionKey | None
    steps: Sequence[Step]
    repeated: Repeated


@dataclass(frozen=True, slots=True)
class Chosen:
    """A selection, or that of one group."""

    key: SelectionKey
    slot: int
    start: SelectionKey | None
    path: str
    selection: Selection
    group: str | None
    """What stands for `{group}` in the paths of its conditions."""

    def condition_path(self, condition: Condition) -> str:
        """With the group filled in."""
        return condition.path if self.group is None else filled_in(condition.path, self.group)


class TableSlots:
    """Deals out a row's positions: the written columns, fields, then whatever the table needs besides."""

    def __init__(self, layout: TableLayout) -> None:
        self.layout = layout
        self.written = len(layout.names)
        self.width = self.written + len(layout.table.fields)
        self.columns: list[tuple[int, Column]] = list(enumerate(layout.table.values, layout.first_slot))
        """Columns and fields with their slots."""
        self._grouped = _grouped_selections(layout.table.selections)
        self.chosen = list(self._chosen())
        """Each after the one it starts from."""
        self.taken: list[Taken] = []
        self.alternatives: list[Alternative] = []
        for slot, column in self.columns:
            if column.path is not None and not self._is_grouped(column):
                start = None if column.from_ is None else (column.from_, None)
                self.taken.append(Taken(slot, column, column.path, start, column.steps, column.repeated))
        self._take_items()
        for group in layout.table.groups:
            self._take_group(group)

    def extra(self) -> int:
        """One more position."""
        self.width += 1
        return self.width - 1

    def slot_of(self, name: str) -> int:
        """Of a column or field, by name without case."""
        return next(slot for slot, column in self.columns if column.name.lower() == name.lower())

    @property
    def fills(self) -> tuple[int, ...]:
        """Written columns whose values from the document make a row worth writing."""
        return tuple(
            slot
            for slot, column in self.columns
            if slot < self.written and column.fills and (column.path is not None or column.take == "item_value")
        )

    def _is_grouped(self, column: Column) -> bool:
        return GROUP in (column.path or "") or column.from_ in self._grouped

    def _chosen(self) -> Iterator[Chosen]:
        selections = self.layout.table.selections
        done: set[str] = set()
        while len(done) < len(selections):
            for name, selection in selections.items():
                if name not in done and (selection.from_ is None or selection.from_ in done):
                    done.add(name)
                    yield from self._chosen_once_or_by_group(name, selection)

    def _chosen_once_or_by_group(self, name: str, selection: Selection) -> Iterator[Chosen]:
        if name not in self._grouped:
            start = None if selection.from_ is None else (selection.from_, None)
            yield Chosen((name, None), self.extra(), start, selection.path, selection, None)
            return
        for group in self.layout.table.groups:
            path = filled_in(selection.path, group.in_paths)
            yield Chosen(
                (name, group.name), self.extra(), self._start(selection, group), path, selection, group.in_paths
            )

    def _start(self, part: Column | Selection, group: Group) -> SelectionKey | None:
        if part.from_ is None:
            return None
        return part.from_, (group.name if part.from_ in self._grouped else None)

    def _take_items(self) -> None:
        table = self.layout.table
        column = table.item_column
        if column is None:
            return
        target = self.slot_of(column.name)
        for item in table.items:
            slot = self.extra()
            start = None if item.from_ is None else (item.from_, None)
            self.taken.append(Taken(slot, column, item.path, start, item.steps, item.repeated))
            self.alternatives.append(Alternative(((slot, target),), self._named("item_name", item.name), (slot,)))

    def _take_group(self, group: Group) -> None:
        moves: list[tuple[int, int]] = []
        filling = set(self.fills)
        fills = [slot for slot, column in self.columns if slot in filling and not self._is_grouped(column)]
        for target, column in self.columns:
            if column.path is None or not self._is_grouped(column):
                continue
            slot, path = self.extra(), filled_in(column.path, group.in_paths)
            self.taken.append(Taken(slot, column, path, self._start(column, group), column.steps, column.repeated))
            moves.append((slot, target))
            if target in filling:
                fills.append(slot)
        self.alternatives.append(Alternative(tuple(moves), self._named("group_name", group.name), tuple(fills)))

    def _named(self, take: str, name: str) -> tuple[tuple[int, object], ...]:
        return tuple(
            (slot, literal_reader(column.parsed_type)(name)) for slot, column in self.columns if column.take == take
        )


def _grouped_selections(selections: dict[str, Selection]) -> set[str]:
    """Those that are another element for each group, also by what they start from."""
    grouped: set[str] = set()
    while True:
        more = {
            name
            for name, selection in selections.items()
            if selection.from_ in grouped or any(GROUP in path for path in _paths(selection))
        }
        if more <= grouped:
            return grouped
        grouped |= more


def _paths(selection: Selection) -> Iterator[str]:
    yield selection.path
    for condition in selection.where:
        yield condition.path
