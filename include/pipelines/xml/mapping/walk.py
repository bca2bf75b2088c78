"""From a document's tree to rows: one walk that enters mapped elements only. The hot loop of the pipeline.

Everything that a name decides was decided when the contract was compiled: the walk looks up each child's tag once,
for all tables together, in a dictionary that leads to the position of its value in a row. Values go to the row that
their table has open; where conditions left an element out, the table has none, and nothing is read for it. Elements
that a selection does not choose are not walked for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from include.pipelines.xml.document.libxml import Element
from include.pipelines.xml.mapping.conversions import XML_SPACE, Convert, Unfit
from include.pipelines.xml.mapping.selections import Choice, Rank, Test, Texts, own_text, rank_of
from include.pipelines.xml.mapping.table_plan import Found, TablePlan, Values
from include.pipelines.xml.mapping.value_chain import Tolerated

OWN = ""
"""In place of an attribute: the text of an element beside the elements that it holds."""

NO_ROW: Values = []
"""Of a table that has no row open; a row has one position at least."""

OpenRows = list[Values]
"""By table, the row that values go to now; last the record's. A table has one at most: its rows do not nest."""

Visit = Callable[[Element, "Node", OpenRows, Sequence[Found]], None]

FEW, MANY, WIDE = 3, 8, 1000
"""Of many children, lxml finds those of a few tags in less time than it takes to look at each in Python. All children
at once come faster than one by one, but each is an object, so of very many no more than one is kept."""


class Field(NamedTuple):
    """How one value is taken from an element."""

    source: str | None
    """An attribute, or `OWN`; None is the text of an element that must hold no others."""
    table: int
    slot: int
    """Position in the table's row."""
    convert: Convert | None
    """None for text."""
    trim: bool = True
    keep_empty: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether white space around it does not count, and nothing is nothing."""
        return self.trim and not self.keep_empty


class Opening(NamedTuple):
    """How a table opens a row at an element."""

    table: int
    parent: int
    blank: Values
    """A new row, to be copied."""
    tests: tuple[Test, ...]
    rank_slot: int | None


@dataclass(slots=True)
class Node:
    """What to do at an element; the element steps of all the contract's paths make one tree of these."""

    visit: Visit
    """The one of this module's functions that does all that is to be done here, and no more."""
    tables: tuple[TablePlan, ...]
    """All of the plan; last the record's."""
    plain: tuple[tuple[str | None, int, int, Convert | None], ...] = ()
    """The first four parts of fields."""
    careful: tuple[Field, ...] = ()
    """Those whose white space or emptiness counts."""
    asked: int = 0
    """How many texts conditions ask for."""
    opens: tuple[Opening, ...] = ()
    """Parents first."""
    choices: tuple[tuple[int, Choice], ...] = ()
    """(table, selection of it that this element is a candidate of)."""
    chosen: tuple[tuple[int, int, Node], ...] = ()
    """(table opened here, slot of a selection, what to do at the element that was chosen), each after the one it
    starts from."""
    owner: int = -1
    """The table that most of the children's values go to."""
    children: dict[str, tuple[int, Convert | None, Node | None]] = field(default_factory=dict)
    """By tag. Most elements carry one trimmed value of the owner and nothing else: their node is None, and the
    position and converter stand here."""
    inner: dict[str, tuple[int, Convert | None, Node | None]] = field(default_factory=dict)
    """Those of the children that have a node."""
    at_once: int = WIDE
    """With fewer children, all are looked at."""
    wanted: tuple[str, ...] = ()
    """Otherwise those of these tags, or all one by one."""
    wanted_by: tuple[int, ...] | None = None
    """Unless one of these tables has a row open, the children are of no use; None: always of use."""


def walk_children(element: Element, node: Node, rows: OpenRows, gathered: Sequence[Found]) -> None:
    """Visit an element of which children alone are mapped."""
    row = rows[node.owner]
    lookup = node.children.get if row else node.inner.get
    slot = 0
    try:
        for child in element[:] if len(element) < node.at_once else element.iterchildren(*node.wanted):
            hit = lookup(child.tag)
            if hit is None:
                continue
            slot, convert, inner = hit
            if inner is not None:
                inner.visit(child, inner, rows, gathered)
                continue
            text = child.text
            if len(child):
                raise _mixed()
            if text is None or not (text := text.strip(XML_SPACE)):
                continue
            value = text if convert is None else convert(text)
            if row[slot] is None or _replaces(node.tables[node.owner], slot, value, row):
                row[slot] = value
    except Unfit as unfit:
        raise node.tables[node.owner].rejected(slot, str(unfit)) from None


def read_values(element: Element, node: Node, rows: OpenRows, gathered: Sequence[Found]) -> None:
    """Visit an element that holds values alone."""
    del gathered
    table = slot = 0
    try:
        for source, table, slot, convert in node.plain:
            if not (row := rows[table]):
                continue
            text = element.get(source) if source else _text(element, source) if len(element) else element.text
            if text is None or not (text := text.strip(XML_SPACE)):
                continue
            value = text if convert is None else convert(text)
            if row[slot] is None or _replaces(node.tables[table], slot, value, row):
                row[slot] = value
        for taken in node.careful:
            table, slot = taken.table, taken.slot
            if row := rows[table]:
                _take(element, taken, node.tables[table], row)
    except Unfit as unfit:
        raise node.tables[table].rejected(slot, str(unfit)) from None


def walk_whole(element: Element, node: Node, rows: OpenRows, gathered: Sequence[Found]) -> None:
    """Visit an element that may give rows, be chosen, hold values and have children."""
    texts: Texts = [None] * node.asked
    if node.opens:
        _open(element, node, texts, rows, gathered)
    if node.plain or node.careful:
        read_values(element, node, rows, gathered)
    for table, choice in node.choices:
        if (row := rows[table]) and (row[choice.slot] is None or choice.take != "first"):
            choice.consider(element, row, texts)
    if node.children and (node.wanted_by is None or _is_open(node.wanted_by, rows)):
        walk_children(element, node, rows, gathered)
    for table, slot, inner in node.chosen:
        # What was chosen is known once all candidates have been seen.
        if (row := rows[table]) and (kept := row[slot]) is not None:
            inner.visit(kept[1], inner, rows, gathered)


def _open(element: Element, node: Node, texts: Texts, rows: OpenRows, gathered: Sequence[Found]) -> None:
    """Rows stay open until the next element of their table: between, no path leads to them."""
    rank: Rank | None = None
    for table, parent, blank, tests, rank_slot in node.opens:
        if not (above := rows[parent]) or (tests and (rank := rank_of(element, tests, texts)) is None):
            rows[table] = NO_ROW
            continue
        row = rows[table] = blank.copy()
        if rank_slot is not None:
            row[rank_slot] = rank
        gathered[table].append((row, above))


def _is_open(tables: tuple[int, ...], rows: OpenRows) -> bool:
    for table in tables:  # noqa: SIM110 - any() would make a generator, which costs more than the loop
        if rows[table]:
            return True
    return False


def _text(element: Element, source: str | None) -> str:
    if source is None and len(element):
        raise _mixed()
    return own_text(element)


def _mixed() -> Unfit:
    return Unfit("holds elements, and its text is mapped")


def _take(element: Element, taken: Field, table: TablePlan, row: Values) -> None:
    source, _, slot, convert, trim, keep_empty = taken
    text = element.get(source) if source else _text(element, source)
    if text is None:
        return
    if trim:
        text = text.strip(XML_SPACE)
    if not text and not keep_empty:
        return
    value = text if convert is None or not text else convert(text)
    if row[slot] is None or _replaces(table, slot, value, row):
        row[slot] = value


def _replaces(table: TablePlan, slot: int, value: object, row: Values) -> bool:
    """Whether a further value of the same path takes the place of the one before; no value never does."""
    if _is_none(value):
        return False
    if _is_none(row[slot]):
        return True
    rule = table.repeated[slot]
    if rule == "reject":
        raise table.rejected(slot, "the path finds several values; repeated may say which to take", "xml.repeated")
    return rule == "last"


def _is_none(value: object) -> bool:
    """What steps leave empty, and what was tolerated as NULL."""
    return value is None or (type(value) is Tolerated and value.value is None)
