"""From a document's tree to rows: one walk that enters mapped elements only. The hot loop of the pipeline.

Everything that a name decides was decided when the contract was compiled: the walk looks up each child's tag once,
in a dictionary that leads to the position of its value in the row. Elements that conditions leave out, and those
that a selection does not choose, are not walked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from include.engine.errors import RecordRejected, SettingsError
from include.engine.model import Key, NotedRows
from include.pipelines.xml.document.libxml import Element
from include.pipelines.xml.mapping.conversions import XML_SPACE, Convert, Unfit
from include.pipelines.xml.mapping.selections import Choice, Test, own_text, rank_of
from include.pipelines.xml.mapping.table_plan import Found, Mapped, TablePlan, Values
from include.pipelines.xml.mapping.value_chain import Tolerated

Work = Callable[[Found, Mapped], None]
"""Something done once a record to the rows of one table, where it has any."""


@dataclass(frozen=True, slots=True)
class Field:
    """How one value is taken from an element or attribute."""

    slot: int
    """Position in the row."""
    convert: Convert | None
    """None for text."""
    trim: bool = True
    keep_empty: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether white space around it does not count, and nothing is nothing."""
        return self.trim and not self.keep_empty


FEW, MANY = 3, 8
"""Of many children, lxml finds those of a few tags in less time than it takes to look at each in Python."""

Visit = Callable[[Element, "Node", Values, list[Found]], None]


@dataclass(slots=True)
class Node:
    """What to do at an element; the element steps of the contract's paths make a tree of these."""

    table: TablePlan
    """Whose row the values belong to."""
    visit: Visit
    """The one of this module's functions that does all that is to be done here, and no more."""
    plain: tuple[tuple[str | None, int, Convert | None], ...] = ()
    """(attribute, or None for the element's own text, position, converter)."""
    careful: tuple[tuple[str | None, Field], ...] = ()
    """Values whose white space or emptiness counts."""
    opens: tuple[tuple[int, Node], ...] = ()
    """Tables, by position, that have a row for this element, and what to do at it within that row."""
    guarded: tuple[tuple[int, Guarded], ...] = ()
    """The same, of tables with conditions or selections."""
    choices: tuple[Choice, ...] = ()
    """Selections that this element is a candidate of."""
    children: dict[str, tuple[int, Convert | None, Node | None]] = field(default_factory=dict)
    """By tag. Most elements carry one trimmed value and nothing else: their node is None, and the position and
    converter stand here."""
    wanted: tuple[str, ...] | None = None
    """The tags of the children, where they are few."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """How a table with conditions or selections opens a row."""

    node: Node
    tests: tuple[Test, ...]
    rank_slot: int | None
    chosen: tuple[tuple[int, Node], ...]
    """(slot of a selection, what to do at the element that was chosen), each after the one it starts from."""


@dataclass(frozen=True, slots=True)
class MappingPlan:
    """A compiled contract. Safe to use from many threads at once."""

    root_tag: str
    root_name: str
    """As the contract spells it, for messages."""
    key_is_number: bool
    key_path: str | None
    record: Node
    """The document element; its row is the record's key alone, and every table opens below it."""
    tables: tuple[TablePlan, ...]
    """In insertion order."""
    work: tuple[tuple[int, Work], ...]
    """What completes the rows: (position of a table, what is done to its rows), in an order that works."""
    mark_names: tuple[str, ...]
    """Columns with a path, by the bit that says that one held a value."""

    def rows(self, root: Element, key: Key) -> NotedRows:
        """The document's rows by table, tables without rows left out.

        Raises `RecordRejected`: `xml.root`, `xml.key`, `xml.value`, `xml.required`, `xml.repeated`,
        `xml.duplicate_key`; `SettingsError` when the source's keys are not of the contract's kind.
        """
        if root.tag != self.root_tag:
            raise RecordRejected("xml.root", f"the document element is not {self.root_name}")
        gathered: list[Found] = [[] for _ in self.tables]
        record: Values = [None]
        self.record.visit(root, self.record, record, gathered)
        self._check_key(record[0], key)
        record[0] = key
        mapped = Mapped(key, gathered)
        for index, work in self.work:
            if found := gathered[index]:
                work(found, mapped)
        return mapped.rows

    def _check_key(self, found: object, key: Key) -> None:
        if isinstance(key, int) is not self.key_is_number:
            kind = "a number" if self.key_is_number else "text"
            raise SettingsError(f"key.type: the contract says {kind}, and the source's keys are not")
        if self.key_path is not None and found != key:
            what = "has no value" if found is None else "is not the key that the source has"
            raise RecordRejected("xml.key", f"{self.key_path} {what}")


def gather(element: Element, node: Node, row: Values, gathered: list[Found]) -> None:
    """Visit an element of which children are mapped."""
    if node.plain or node.careful:
        read_values(element, node, row, gathered)
    if node.opens or node.guarded or node.choices:
        open_rows(element, node, row, gathered)
    lookup = node.children.get
    slot = 0
    try:
        wanted = node.wanted
        for child in element if wanted is None or len(element) < MANY else element.iterchildren(*wanted):
            hit = lookup(child.tag)
            if hit is None:
                continue
            slot, convert, inner = hit
            if inner is not None:
                inner.visit(child, inner, row, gathered)
                continue
            text = child.text
            if len(child):
                raise Unfit("holds elements, and its text is mapped")
            if text is None or not (text := text.strip(XML_SPACE)):
                continue
            value = text if convert is None else convert(text)
            if row[slot] is None or _replaces(node.table, slot, value, row):
                row[slot] = value
    except Unfit as unfit:
        raise node.table.rejected(slot, str(unfit)) from None


def read_values(element: Element, node: Node, row: Values, gathered: list[Found]) -> None:
    """Visit an element that holds values alone."""
    del gathered
    slot = 0
    try:
        for name, slot, convert in node.plain:
            text = element.get(name) if name is not None else own_text(element) if len(element) else element.text
            if text is None or not (text := text.strip(XML_SPACE)):
                continue
            value = text if convert is None else convert(text)
            if row[slot] is None or _replaces(node.table, slot, value, row):
                row[slot] = value
        for name, taken in node.careful:
            slot = taken.slot
            text = own_text(element) if name is None else element.get(name)
            if text is not None:
                _take(text, taken, node.table, row)
    except Unfit as unfit:
        raise node.table.rejected(slot, str(unfit)) from None


def open_rows(element: Element, node: Node, row: Values, gathered: list[Found]) -> None:
    """Visit an element that gives rows, or that a selection may choose."""
    for index, inner in node.opens:
        opened = inner.table.blank.copy()
        gathered[index].append((opened, row))
        inner.visit(element, inner, opened, gathered)
    for index, guarded in node.guarded:
        _open_guarded(element, guarded, row, index, gathered)
    for choice in node.choices:
        if row[choice.slot] is None or choice.take != "first":
            choice.consider(element, row)


def _open_guarded(element: Element, guarded: Guarded, parent: Values, index: int, gathered: list[Found]) -> None:
    rank = rank_of(element, guarded.tests)
    if rank is None:
        return
    opened = guarded.node.table.blank.copy()
    if guarded.rank_slot is not None:
        opened[guarded.rank_slot] = rank
    gathered[index].append((opened, parent))
    guarded.node.visit(element, guarded.node, opened, gathered)
    for slot, inner in guarded.chosen:
        if (kept := opened[slot]) is not None:
            inner.visit(kept[1], inner, opened, gathered)


def _take(text: str, taken: Field, table: TablePlan, row: Values) -> None:
    if taken.trim:
        text = text.strip(XML_SPACE)
    if not text and not taken.keep_empty:
        return
    value = text if taken.convert is None or not text else taken.convert(text)
    if row[taken.slot] is None or _replaces(table, taken.slot, value, row):
        row[taken.slot] = value


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
