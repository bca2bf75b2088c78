"""What a document says and a contract does not read: paths with text that no column, condition or selection takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from include.pipelines.xml.document.libxml import Element
from include.pipelines.xml.language.contract import Contract
from include.pipelines.xml.language.paths import Path, parse_path, parse_rows
from include.pipelines.xml.mapping.conversions import XML_SPACE
from include.pipelines.xml.mapping.layout import layouts_of
from include.pipelines.xml.mapping.path_tree import PathTree
from include.pipelines.xml.mapping.selections import own_text
from include.pipelines.xml.mapping.slots import SelectionKey, TableSlots


@dataclass(slots=True)
class Reading(PathTree):
    """What a contract reads at an element and below, whatever its conditions say."""

    text: bool = False
    attributes: set[str] = field(default_factory=set)

    def add(self, path: Path) -> None:
        """A value that is read."""
        reading = self.descend(path)
        if path.attribute is None:
            reading.text = True
        else:
            reading.attributes.add(path.attribute)


def reading_of(contract: Contract) -> Reading:
    """From the document element; of a contract without mistakes."""
    document = Reading()
    if contract.key.parsed_path is not None:
        document.add(contract.key.parsed_path.resolved(contract.namespaces))
    rows: dict[str, Reading] = {}
    for layout in layouts_of(contract):
        above = document if layout.parent is None else rows[layout.parent.name]
        rows[layout.name] = above.descend(layout.table.parsed_rows.resolved(contract.namespaces))
        _add_table(rows[layout.name], TableSlots(layout), contract.namespaces)
    return document


def _add_table(row: Reading, slots: TableSlots, namespaces: Mapping[str, str]) -> None:
    for condition in slots.layout.table.where:
        row.add(parse_path(condition.path).resolved(namespaces))
    starts: dict[SelectionKey | None, Reading] = {None: row}
    for chosen in slots.chosen:
        candidate = starts[chosen.start].descend(parse_rows(chosen.path).resolved(namespaces))
        starts[chosen.key] = candidate
        for condition in chosen.selection.where:
            candidate.add(parse_path(chosen.condition_path(condition)).resolved(namespaces))
    for taken in slots.taken:
        starts[taken.start].add(parse_path(taken.path).resolved(namespaces))


@dataclass(slots=True, eq=False)
class Part:
    """An element or attribute path of a document; a document of many names has many, so each holds its own only."""

    name: str
    """A tag, or an attribute's name behind `@`."""
    above: Part | None
    parts: dict[str, Part] = field(default_factory=dict)
    count: int = 0
    """Of the texts there that are not read."""

    def below(self, name: str) -> Part:
        """One level down."""
        part = self.parts.get(name)
        if part is None:
            part = self.parts[name] = Part(name, self)
        return part

    def path(self, namespaces: Mapping[str, str]) -> str:
        """As a contract would write it from the document element, with its prefixes."""
        names: list[str] = []
        part = self
        while part.above is not None:
            names.append(_spelled(part.name, namespaces))
            part = part.above
        return "/".join(reversed(names)) or "."


def unmapped_parts(root: Element, reading: Reading) -> list[Part]:
    """In the order in which the document first has them; text is what is left without white space at its ends."""
    found: list[Part] = []
    _look(root, reading, Part("", None), found)
    return found


def _look(element: Element, reading: Reading | None, part: Part, found: list[Part]) -> None:
    for name, text in element.items():
        if (reading is None or name not in reading.attributes) and text.strip(XML_SPACE):
            _count(part.below(f"@{name}"), found)
    if (reading is None or not reading.text) and own_text(element).strip(XML_SPACE):
        _count(part, found)
    for child in element:
        inner = None if reading is None else reading.children.get(child.tag)
        _look(child, inner, part.below(child.tag), found)


def _count(part: Part, found: list[Part]) -> None:
    if not part.count:
        found.append(part)
    part.count += 1


def _spelled(name: str, namespaces: Mapping[str, str]) -> str:
    at = "@" if name.startswith("@") else ""
    uri, brace, local = name.removeprefix("@").rpartition("}")
    uri = uri.removeprefix("{")
    if not brace:
        # Without a prefix a contract would mean its own default namespace.
        return name if at or not namespaces.get("") else f"{{}}{name}"
    if not at and namespaces.get("") == uri:
        return local
    prefix = next((prefix for prefix, known in namespaces.items() if prefix and known == uri), None)
    return f"{at}{prefix}:{local}" if prefix else f"{at}{{{uri}}}{local}"
