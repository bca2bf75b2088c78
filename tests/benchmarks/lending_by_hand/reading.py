"""What the mapping by hand reads with: one loop over an element's children, led by a dictionary of tags.

Values go to a dictionary by column, in which a column without a value has no entry; a table's row is picked out of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from typing import Any

from include.engine.errors import RecordRejected
from include.pipelines.xml.document.libxml import Element
from include.pipelines.xml.language.column_types import Kind
from include.pipelines.xml.mapping.conversions import XML_SPACE, Convert, Unfit, converter
from include.pipelines.xml.mapping.selections import own_text
from include.pipelines.xml.mapping.step_functions import TEXT_FUNCTIONS, cut

Values = dict[str, Any]
Warnings = dict[str, int]
Rows = dict[str, list[tuple[Any, ...]]]
Read = Callable[[Element, Values], None]
"""Reads an element that holds more than one value."""

FILE = "{urn:headrace:lending:file}"
COLLAPSE, DIGITS, FIRST_NUMBER = (TEXT_FUNCTIONS[name] for name in ("collapse", "digits", "first_number"))
YES_NO = {"Y": True, "N": False, "1": True, "0": False}


def _converter(kind: Kind) -> Convert:
    convert = converter(kind)
    if convert is None:
        raise ValueError(kind)
    return convert


TO_INT, TO_DECIMAL, TO_FLOAT = _converter("int"), _converter("decimal"), _converter("float")
TO_BIT, TO_UUID = _converter("bit"), _converter("uuid")
TO_DATE, TO_DATETIME, TO_DATETIMEOFFSET = _converter("date"), _converter("datetime"), _converter("datetimeoffset")


class Section(dict[str, tuple[str | None, Any]]):
    """What the children of an element hold, by tag: (column, converter) or (None, `Read`)."""

    def __init__(self, table: str, children: Mapping[str, tuple[str | None, Any]], namespace: str = FILE) -> None:
        super().__init__({namespace + name: child for name, child in children.items()})
        self.table = table


class Columns:
    """A table's columns in their order, with what stands there where the document gives nothing."""

    def __init__(self, table: str, names: str, **defaults: Any) -> None:
        self.table = table
        self._blank = dict.fromkeys(names.split()) | defaults
        self._pick = itemgetter(*names.split())

    def row(self, values: Values) -> tuple[Any, ...]:
        """Of a record whose values may hold more than the columns."""
        picked: tuple[Any, ...] = self._pick(self._blank | values)
        return picked


def rejected(table: str, column: str | None, fault: str, code: str = "xml.value") -> RecordRejected:
    """Names the column, never the value."""
    return RecordRejected(code, f"{table}.{column}: {fault}")


def take(element: Element, section: Section, values: Values) -> None:
    """The values of the children."""
    get, name = section.get, None
    try:
        for child in element:
            hit = get(child.tag)
            if hit is None:
                continue
            name, convert = hit
            if name is None:
                convert(child, values)
                continue
            text = child.text
            if len(child):
                raise Unfit("holds elements")
            if text is None or not (text := text.strip(XML_SPACE)):
                continue
            value = text if convert is None else convert(text)
            if name not in values or _is_first(values[name], value, section.table, name):
                values[name] = value
    except Unfit as unfit:
        raise rejected(section.table, name, str(unfit)) from None


def put(values: Values, table: str, name: str, text: str | None, convert: Convert | None = None) -> None:
    """One value, of an attribute or of an element that has attributes, too."""
    if text is None or not (text := text.strip(XML_SPACE)):
        return
    try:
        value = text if convert is None else convert(text)
    except Unfit as unfit:
        raise rejected(table, name, str(unfit)) from None
    if name not in values or _is_first(values[name], value, table, name):
        values[name] = value


def _is_first(kept: object, value: object, table: str, name: str) -> bool:
    """What steps leave empty is no value; of two values there is none to prefer."""
    if value is None:
        return False
    if kept is not None:
        raise rejected(table, name, "several values", "xml.repeated")
    return True


def nested(section: Section) -> Read:
    """Of an element whose children hold values of the same row."""
    return lambda element, values: take(element, section, values)


def valued(table: str, column: str, convert: Convert | None, **attributes: tuple[str, Convert | None]) -> Read:
    """Of an element that holds a value and attributes: (column, converter) by attribute."""

    def read(element: Element, values: Values) -> None:
        put(values, table, column, own_text(element), convert)
        for attribute, (name, convert_attribute) in attributes.items():
            put(values, table, name, element.get(attribute), convert_attribute)

    return read


def collected(name: str) -> Read:
    """Keeps the elements for later, in document order."""
    return lambda element, values: values.setdefault(name, []).append(element)


def last(name: str) -> Read:
    """The last text that is not empty."""

    def read(element: Element, values: Values) -> None:
        if text := own_text(element).strip(XML_SPACE):
            values[name] = text

    return read


def attribute(element: Element, name: str) -> str | None:
    """Trimmed; None where it is empty."""
    text = element.get(name)
    return None if text is None else text.strip(XML_SPACE) or None


def first_text(element: Element, tag: str) -> str | None:
    """Of the children of that name: the first text that is not empty."""
    for child in element.iterchildren(tag):
        if text := own_text(child).strip(XML_SPACE):
            return text
    return None


def stepped(step: Convert, convert: Convert | None = None) -> Convert:
    """A step, then the type; where the step leaves nothing there is no value."""

    def run(text: str) -> Any:
        text = step(text)
        if not text:
            return None
        return text if convert is None else convert(text)

    return run


def looked_up(table: Mapping[str, Any], step: Convert = str) -> Convert:
    """A text that the table does not hold is a reject."""

    def run(text: str) -> Any:
        value = table.get(step(text))
        if value is None:
            raise Unfit("is not in its look-up's table")
        return value

    return run


def count(warnings: Warnings, name: str) -> None:
    """Once more."""
    warnings[name] = warnings.get(name, 0) + 1


def attempt(values: Values, table: str, name: str, convert: Convert, warnings: Warnings) -> None:
    """What cannot be read is no value, and counted."""
    if name in values:
        try:
            values[name] = convert(values[name])
        except Unfit:
            del values[name]
            count(warnings, f"unparsable {table}.{name}")


def look_up_or_none(values: Values, table: str, name: str, known: Mapping[str, Any], warnings: Warnings) -> None:
    """What the look-up does not know is no value, and counted."""
    if name in values:
        values[name] = known.get(values[name])
        if values[name] is None:
            del values[name]
            count(warnings, f"unknown {table}.{name}")


def shorten(values: Values, table: str, name: str, limit: int, warnings: Warnings) -> None:
    """Texts that are too long are cut and counted; the limit is in UTF-16 units."""
    text = values.get(name)
    if text is not None and 2 * len(text) > limit:
        values[name] = cut(text, limit)
        if len(values[name]) < len(text):
            count(warnings, f"truncated {table}.{name}")


def require(values: Values, table: str, names: Iterable[str]) -> None:
    """Raises `RecordRejected` for the first that has no value."""
    for name in names:
        if values.get(name) is None:
            raise rejected(table, name, "required, and the document has no value", "xml.required")


def check_unique(rows: list[tuple[Any, ...]], table: str, name: str, position: int) -> None:
    """Raises `RecordRejected` for two rows of one key."""
    if len({row[position] for row in rows}) < len(rows):
        raise rejected(table, name, "two rows have one primary key", "xml.duplicate_key")
