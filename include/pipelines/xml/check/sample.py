"""A document tried against a contract: what a run would write for it, or why it would reject it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from include.engine.errors import RecordRejected
from include.engine.model import Key, NotedRows
from include.pipelines.xml.check.unmapped import Part, reading_of, unmapped_parts
from include.pipelines.xml.document.libxml import Element
from include.pipelines.xml.document.parser import DocumentParser, ParseLimits
from include.pipelines.xml.language.contract import Contract
from include.pipelines.xml.mapping.compile import compile_contract
from include.pipelines.xml.mapping.conversions import XML_SPACE, Unfit, converter
from include.pipelines.xml.mapping.selections import own_text
from include.warehouse.fit import Fitter
from include.warehouse.target import Target


@dataclass(frozen=True, slots=True)
class Sample:
    """What became of one document."""

    path: Path
    key: Key
    rows: NotedRows | None
    """By table, their values as Python has them; None where it is rejected."""
    reject: RecordRejected | None
    empty: tuple[str, ...]
    """Columns with a path that stayed empty, each behind its table and a point, in the contract's order."""
    unmapped: tuple[Part, ...]
    """Of a document that can be read and has the contract's document element."""


class SampleReader:
    """Tries documents one after the other."""

    def __init__(self, contract: Contract, target: Target, limits: ParseLimits | None = None) -> None:
        """Without limits, those of a run whose settings name none."""
        self._contract = contract
        self._plan = compile_contract(contract)
        self._limits = limits or ParseLimits()
        self._parser = DocumentParser(self._limits)
        self._reading = reading_of(contract)
        # As before a load: lengths, ranges and NULL. The dialect decides only the form that values travel in.
        self._fitter = Fitter(target, "mssql")
        self._number = 0

    def read(self, path: Path) -> Sample:
        """Raises `OSError` for a file that cannot be read."""
        with path.open("rb") as file:
            # In an encoding of four bytes a character it may be as large as this; beyond, it is refused unread.
            data = file.read(4 * self._limits.max_document_bytes + 1)
        self._number += 1
        root: Element | None = None
        key: Key = self._number if self._plan.key_is_number else str(self._number)
        try:
            root = self._parser.parse(data)
            key = self._key_in(root, key)
            rows = self._plan.rows(root, key)
            self._fitter(rows, key)
        except RecordRejected as reject:
            return Sample(path, key, None, reject, (), self._unmapped(root))
        empty = tuple(name for bit, name in enumerate(self._plan.mark_names) if not rows.marks >> bit & 1)
        return Sample(path, key, rows, None, empty, self._unmapped(root))

    def _key_in(self, root: Element, otherwise: Key) -> Key:
        """Where the document says none that the contract can take, mapping it will say so."""
        key = self._contract.key
        if key.parsed_path is None:
            return otherwise
        path = key.parsed_path.resolved(self._contract.namespaces)
        elements = [root]
        for tag in path.steps:
            elements = [child for element in elements for child in element.iterchildren(tag)]
        texts = [own_text(found) if path.attribute is None else found.get(path.attribute) for found in elements]
        found = next((text.strip(XML_SPACE) for text in texts if text and text.strip(XML_SPACE)), None)
        if found is None:
            return otherwise
        convert = converter(key.parsed_type.kind)
        try:
            converted: Key = found if convert is None else convert(found)
        except Unfit:
            return otherwise
        return converted

    def _unmapped(self, root: Element | None) -> tuple[Part, ...]:
        if root is None or root.tag != self._plan.root_tag:
            return ()
        return tuple(unmapped_parts(root, self._reading))
