"""From the slots of each table to what completes its rows."""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any

from include.pipelines.xml.language.columns import Column
from include.pipelines.xml.language.steps import LookupStep
from include.pipelines.xml.language.table import Table
from include.pipelines.xml.mapping.expansion import Expansion
from include.pipelines.xml.mapping.layout import TableLayout
from include.pipelines.xml.mapping.slots import TableSlots, Taken
from include.pipelines.xml.mapping.staged_plan import StagedPlan
from include.pipelines.xml.mapping.table_plan import TablePlan
from include.pipelines.xml.mapping.used_tables import UsedTables

SHOWN_ITEMS = 4
"""Paths that messages about a column of items name."""


def table_plan(slots: TableSlots, above: Mapping[str, TablePlan], first_bit: int, used: UsedTables) -> TablePlan:
    """`above` are the plans made so far, by name."""
    layout = slots.layout
    table, name = layout.table, layout.name.lower()
    parent = None if layout.parent is None else above[layout.parent.name]
    parent_lost_slot = parent.lost_slot if isinstance(parent, StagedPlan) else None
    tolerant = tuple((taken.slot, f"{layout.name}.{taken.column.name}") for taken in slots.taken if tolerates(taken))
    loses = table.duplicates != "reject" or parent_lost_slot is not None
    is_used = name in used.staged or name in used.linked
    needs = (is_used, tolerant, loses, table.write == "filled", slots.chosen, table.fields)
    if not any(needs) and not table.makes_rows and table.duplicates == "reject":
        return TablePlan(**_shared(slots, first_bit))
    marks_slot = slots.extra() if loses else None
    undefaulted = tuple(slot for slot, column in marked_columns(slots) if column.default is None)
    extras: dict[str, Any] = {
        "written": slots.written,
        "tolerant": tolerant,
        "expand": Expansion(tuple(slots.alternatives)) if slots.alternatives else None,
        "filled_by": slots.fills if table.write == "filled" else None,
        "keep": table.duplicates,
        "rank_slot": slots.extra() if table.duplicates == "priority" else None,
        "lost_slot": slots.extra() if loses and name in used.parents else None,
        "parent_lost_slot": parent_lost_slot,
        "marks_slot": marks_slot,
        "undefaulted": undefaulted,
        "is_used": is_used,
        "parent_slot": slots.extra() if name in used.linked else None,
    }
    shared = _shared(slots, first_bit)
    extras["undefaulted_bits"] = sum(shared["bits"][slot] for slot in undefaulted)
    if marks_slot is not None:
        shared["blank"][marks_slot] = 0
    return StagedPlan(**shared, **extras)


def marked_columns(slots: TableSlots) -> list[tuple[int, Column]]:
    """Those whose values from the document are noticed."""
    return [(slot, column) for slot, column in slots.columns if slot < slots.written and column.path is not None]


def tolerates(taken: Taken) -> bool:
    """Whether its converter may give a value with a warning."""
    column = taken.column
    if column.too_long == "truncate" or column.unparsable == "null":
        return True
    return any(isinstance(step, LookupStep) and step.otherwise != "reject" for step in taken.steps)


def _shared(slots: TableSlots, first_bit: int) -> dict[str, Any]:
    layout = slots.layout
    table: Table = layout.table
    blank: list[Any] = [None] * slots.width
    for slot, column in slots.columns:
        blank[slot] = column.constant_value
    marked = marked_columns(slots)
    bits = [0] * slots.width
    for offset, (slot, _) in enumerate(marked):
        bits[slot] = 1 << (first_bit + offset)
    repeated = ["reject"] * slots.width
    for taken in slots.taken:
        repeated[taken.slot] = taken.repeated
    unique = tuple(layout.names.index(name) for name in layout.primary_key) if table.primary_key else ()
    of_document = [(slot, column) for slot, column in slots.columns if column.path is not None]
    return {
        "name": layout.name,
        "blank": blank,
        "inherited": tuple((slot, column.parent_slot) for slot, column in enumerate(layout.inherited)),
        "take_inherited": itemgetter(*(column.parent_slot for column in layout.inherited)),
        "number_slot": layout.number_slot,
        "defaults": tuple((slot, column.default_value) for slot, column in of_document if column.default is not None),
        "required": tuple(slot for slot, column in slots.columns if column.required),
        "unique": unique,
        "key_of": itemgetter(*unique) if unique else tuple,
        "places": _places(slots),
        "repeated": tuple(repeated),
        "marked": tuple(slot for slot, _ in marked),
        "bits": tuple(bits),
        "all_bits": sum(bits),
    }


def paths_of(slots: TableSlots) -> tuple[str | None, ...]:
    """From the document element, by position; None for values that no path leads to."""
    layout = slots.layout
    paths: list[str | None] = [None] * slots.width
    starts: dict[object, str] = {None: _row_place(layout)}
    for chosen in slots.chosen:
        starts[chosen.key] = _joined(starts[chosen.start], chosen.path)
    for slot, column in slots.columns:
        if column.path is not None:
            paths[slot] = _joined(starts[None], column.path)
    for taken in slots.taken:
        paths[taken.slot] = _joined(starts[taken.start], taken.path)
    if layout.table.item_column is not None:
        of_items = [paths[taken.slot] or "" for taken in slots.taken if taken.column is layout.table.item_column]
        more = [f"{len(of_items) - SHOWN_ITEMS} more"] if len(of_items) > SHOWN_ITEMS else []
        paths[slots.slot_of(layout.table.item_column.name)] = ", ".join([*of_items[:SHOWN_ITEMS], *more])
    return tuple(paths)


def _places(slots: TableSlots) -> tuple[str, ...]:
    layout = slots.layout
    names = dict(enumerate([*layout.names, *(column.name for column in layout.table.fields)]))
    names |= {taken.slot: taken.column.name for taken in slots.taken}
    return tuple(
        f"{layout.name}.{names[slot]}{f' ({path})' if path else ''}" if slot in names else ""
        for slot, path in enumerate(paths_of(slots))
    )


def _row_place(layout: TableLayout) -> str:
    above = "" if layout.parent is None else _row_place(layout.parent)
    return _joined(above, layout.table.rows)


def _joined(above: str, path: str) -> str:
    if path == ".":
        return above or path
    return f"{above}/{path}" if above and above != "." else path
