"""From a document's tree to rows: one walk that enters mapped elements only. The hot loop of the pipeline.

Everything that a name decides was decided when the contract was compiled: the walk looks up each child's tag once,
in a dictionary that leads to the position of its value in the row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from include.engine.errors import RecordRejected, SettingsError
from include.engine.model import Key, Row, Rows
from include.pipelines.xml.conversions import XML_SPACE, Convert, Unfit
from include.pipelines.xml.libxml import Element

Values = list[Any]
Gathered = list[list[tuple[Values, Values]]]
"""By table: the rows found so far, each with its parent's."""


@dataclass(frozen=True, slots=True)
class Field:
    """How one value is taken from an element or attribute."""

    slot: int
    """Position in the row."""
    convert: Convert | None
    """None for text."""
    trim: bool = True
    keep_empty: bool = False


@dataclass(frozen=True, slots=True)
class TablePlan:
    """What completes and checks the rows of one table."""

    name: str
    width: int
    inherited: tuple[tuple[int, int], ...] = ()
    """(position, position in the parent's row)."""
    number_slot: int | None = None
    defaults: tuple[tuple[int, Any], ...] = ()
    required: tuple[int, ...] = ()
    unique: tuple[int, ...] = ()
    """The primary key, where its values come from the document."""
    places: tuple[str, ...] = ()
    """By position: column and path, for messages."""
    repeated: tuple[Literal["reject", "first", "last"], ...] = ()
    """By position: what several values of one path mean."""

    def rejected(self, slot: int, fault: str, code: str = "xml.value") -> RecordRejected:
        """Names column and path, never a value."""
        return RecordRejected(code, f"{self.places[slot]}: {fault}")

    def finish(self, found: Sequence[tuple[Values, Values]]) -> list[Row]:
        """Complete rows in document order; the parents' must be complete."""
        rows: list[Row] = []
        previous: Values | None = None
        number = 0
        for values, parent in found:
            for slot, parent_slot in self.inherited:
                values[slot] = parent[parent_slot]
            if self.number_slot is not None:
                number = number + 1 if parent is previous else 1
                previous = parent
                values[self.number_slot] = number
            for slot, default in self.defaults:
                if values[slot] is None:
                    values[slot] = default
            for slot in self.required:
                if values[slot] is None:
                    raise self.rejected(slot, "required, and the document has no value", "xml.required")
            rows.append(tuple(values))
        if self.unique and len(rows) > 1:
            self._check_unique(rows)
        return rows

    def _check_unique(self, rows: Sequence[Row]) -> None:
        if len({tuple(row[slot] for slot in self.unique) for row in rows}) < len(rows):
            raise self.rejected(self.unique[-1], f"two rows of {self.name} have one primary key", "xml.duplicate_key")


@dataclass(slots=True)
class Node:
    """What to do at an element; the element steps of the contract's paths make a tree of these."""

    table: TablePlan
    """Whose row the values belong to."""
    texts: tuple[Field, ...] = ()
    """Values of the element's own text."""
    attributes: tuple[tuple[str, Field], ...] = ()
    opens: tuple[tuple[int, Node], ...] = ()
    """Tables, by position, that have a row for this element, and what to do at it within that row."""
    children: dict[str, tuple[int, Convert | None, Node | None]] = field(default_factory=dict)
    """By tag. Most elements carry one trimmed value and nothing else: their node is None, and the position and
    converter stand here."""


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
    """Parents first."""

    def rows(self, root: Element, key: Key) -> Rows:
        """The document's rows by table, tables without rows left out.

        Raises `RecordRejected`: `xml.root`, `xml.key`, `xml.value`, `xml.required`, `xml.repeated`,
        `xml.duplicate_key`; `SettingsError` when the source's keys are not of the contract's kind.
        """
        if root.tag != self.root_tag:
            raise RecordRejected("xml.root", f"the document element is not {self.root_name}")
        gathered: Gathered = [[] for _ in self.tables]
        record: Values = [None]
        _gather(root, self.record, record, gathered)
        self._check_key(record[0], key)
        record[0] = key
        return {table.name: table.finish(found) for table, found in zip(self.tables, gathered, strict=True) if found}

    def _check_key(self, found: object, key: Key) -> None:
        if isinstance(key, int) is not self.key_is_number:
            kind = "a number" if self.key_is_number else "text"
            raise SettingsError(f"key.type: the contract says {kind}, and the source's keys are not")
        if self.key_path is not None and found != key:
            what = "has no value" if found is None else "is not the key that the source has"
            raise RecordRejected("xml.key", f"{self.key_path} {what}")


def _gather(element: Element, node: Node, row: Values, gathered: Gathered) -> None:
    if node.texts or node.attributes or node.opens:
        _gather_own(element, node, row, gathered)
    lookup = node.children.get
    slot = 0
    try:
        for child in element:
            hit = lookup(child.tag)
            if hit is None:
                continue
            slot, convert, inner = hit
            if inner is not None:
                _gather(child, inner, row, gathered)
                continue
            text = child.text
            if len(child):
                raise Unfit("holds elements, and its text is mapped")
            if text is None or not (text := text.strip(XML_SPACE)):
                continue
            value = text if convert is None else convert(text)
            if row[slot] is None or _replaces(node.table, slot):
                row[slot] = value
    except Unfit as unfit:
        raise node.table.rejected(slot, str(unfit)) from None


def _gather_own(element: Element, node: Node, row: Values, gathered: Gathered) -> None:
    for name, taken in node.attributes:
        if (text := element.get(name)) is not None:
            _take(text, taken, node.table, row)
    if node.texts:
        text = _own_text(element)
        for taken in node.texts:
            _take(text, taken, node.table, row)
    for index, inner in node.opens:
        opened: Values = [None] * inner.table.width
        gathered[index].append((opened, row))
        _gather(element, inner, opened, gathered)


def _take(text: str, taken: Field, table: TablePlan, row: Values) -> None:
    if taken.trim:
        text = text.strip(XML_SPACE)
    if not text and not taken.keep_empty:
        return
    try:
        value = text if taken.convert is None else taken.convert(text)
    except Unfit as unfit:
        raise table.rejected(taken.slot, str(unfit)) from None
    if row[taken.slot] is None or _replaces(table, taken.slot):
        row[taken.slot] = value


def _own_text(element: Element) -> str:
    text = element.text or ""
    return text + "".join([child.tail or "" for child in element]) if len(element) else text


def _replaces(table: TablePlan, slot: int) -> bool:
    """Whether a further value of the same path takes the place of the one before."""
    rule = table.repeated[slot]
    if rule == "reject":
        raise table.rejected(slot, "the path finds several values; repeated may say which to take", "xml.repeated")
    return rule == "last"
