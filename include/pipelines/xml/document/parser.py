"""From a document to its tree, in a way that no document can turn against the worker.

Each thread has parsers of its own: one that is shared gives two threads 0.9 of the speed of one, one each 1.7.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass

from include.engine.errors import RecordRejected, SettingsError
from include.pipelines.xml.document.encoding import Utf8, known_encoding, to_utf8
from include.pipelines.xml.document.libxml import (
    LIBXML_DEPTH,
    LIBXML_TEXT_BYTES,
    Element,
    NotWellFormed,
    Parser,
    deeper_than,
    has_doctype,
    make_parser,
    parse,
)

MAX_DEPTH = 1000
"""Of `max_depth`: libxml2 ends at 2,048 levels, and only for documents above its limits of size."""

MAX_TAGS = 4_000_000
"""Of a document: a second to parse, and half a gigabyte. Size does not bound it: an empty element is 4 bytes of text
and 140 of tree."""

# Possessive, so that a prolog of a million comments is read once.
_DOCTYPE = re.compile(rb"(?:[ \t\r\n]++|<\?.*?\?>|<!--.*?-->)*+<!DOCTYPE", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ParseLimits:
    """What a document may be."""

    max_document_bytes: int = 64 * 1024 * 1024
    """Of the text as UTF-8."""
    max_depth: int = LIBXML_DEPTH
    """Levels of elements. The default is libxml2's own and costs nothing; below it, a check of 10 µs in 30 KB."""
    fallback_encoding: str | None = None
    """Tried when the bytes contradict the encoding that they declare; None rejects such a document."""

    def __post_init__(self) -> None:
        if self.fallback_encoding is not None and known_encoding(self.fallback_encoding) is None:
            raise SettingsError(f"fallback_encoding: {self.fallback_encoding} is not the name of a character set")
        if not 1 <= self.max_depth <= MAX_DEPTH:
            raise SettingsError(f"max_depth is {self.max_depth}, must be 1 to {MAX_DEPTH}")


class _Tools(threading.local):
    """A thread's own parsers; `threading.local` makes them anew in each thread that asks."""

    def __init__(self, max_depth: int) -> None:
        self.parser: Parser = make_parser(huge=False)
        # Documents above libxml2's limits are rare, and text of that size is in them only.
        self.huge_parser: Parser = make_parser(huge=True)
        self.too_deep: Callable[[Element], bool] = deeper_than(max_depth)


class DocumentParser:
    """Parses documents under limits. Safe to call from many threads at once."""

    def __init__(self, limits: ParseLimits) -> None:
        self._limits = limits
        self._tools = _Tools(limits.max_depth)

    def parse(self, document: str | bytes | Utf8 | None) -> Element:
        """The document element.

        Raises `RecordRejected`: `xml.empty`, `xml.too_large`, `xml.encoding`, `xml.doctype`, `xml.too_deep`,
        `xml.not_well_formed`. None of the messages quotes the document.
        """
        limits = self._limits
        if not document:
            raise RecordRejected("xml.empty", "there is no document")
        if len(document) > limits.max_document_bytes * (1 if isinstance(document, str) else 4):
            raise too_large(limits.max_document_bytes)
        data = to_utf8(document, limits.fallback_encoding)
        if len(data) > limits.max_document_bytes:
            raise too_large(limits.max_document_bytes)
        if not data:
            raise RecordRejected("xml.empty", "the document is white space")
        if len(data) > MAX_TAGS and data.count(b"<") > MAX_TAGS:
            raise RecordRejected("xml.too_large", f"more than {MAX_TAGS} tags")
        # Read as UTF-8 whatever it declares, so no encoding can hide the declaration.
        if _DOCTYPE.match(data):
            raise _doctype()
        root = self._tree(data)
        if has_doctype(root):
            raise _doctype()
        return root

    def _tree(self, data: bytes) -> Element:
        tools, limits = self._tools, self._limits
        huge = len(data) > LIBXML_TEXT_BYTES or limits.max_depth > LIBXML_DEPTH
        try:
            root = parse(data, tools.huge_parser if huge else tools.parser)
        except NotWellFormed as failure:
            raise self._rejected(failure) from None
        if (huge or limits.max_depth < LIBXML_DEPTH) and tools.too_deep(root):
            raise self._too_deep()
        return root

    def _rejected(self, failure: NotWellFormed) -> RecordRejected:
        place = f"line {failure.line}, column {failure.column}"
        if failure.too_deep:
            return self._too_deep()
        if failure.too_large:
            return RecordRejected("xml.too_large", f"a name, text or attribute passes libxml2's limit at {place}")
        if failure.not_utf8:
            return RecordRejected("xml.encoding", f"the database's text is not UTF-8 at {place}")
        return RecordRejected("xml.not_well_formed", f"{failure.kind} at {place}")

    def _too_deep(self) -> RecordRejected:
        return RecordRejected("xml.too_deep", f"more than max_depth ({self._limits.max_depth}) levels of elements")


def too_large(max_document_bytes: int) -> RecordRejected:
    """Of a document above the limit, wherever that is noticed."""
    return RecordRejected("xml.too_large", f"more than max_document_bytes ({max_document_bytes})")


def _doctype() -> RecordRejected:
    return RecordRejected("xml.doctype", "documents with a DOCTYPE are not accepted")
