"""A compiled contract: from a document's tree to its rows by table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from include.engine.errors import RecordRejected, SettingsError
from include.engine.model import Key, NotedRows
from include.pipelines.xml.document.libxml import Element
from include.pipelines.xml.mapping.table_plan import Found, Mapped, TablePlan, Values
from include.pipelines.xml.mapping.walk import NO_ROW, Node

Work = Callable[[Found, Mapped], None]
"""Something done once a record to the rows of one table, where it has any."""


@dataclass(frozen=True, slots=True)
class MappingPlan:
    """A compiled contract. Safe to use from many threads at once."""

    root_tag: str
    root_name: str
    """As the contract spells it, for messages."""
    key_is_number: bool
    key_path: str | None
    record: Node
    """The document element; its row is the record's key alone, and every table opens at it or below it."""
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
        self.record.visit(root, self.record, [*[NO_ROW] * len(self.tables), record], gathered)
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
