"""The one seam to lxml, which has no annotations: what is used of it, typed.

The GIL is free while libxml2 parses and while it evaluates the depth check; it is held for everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, cast

from lxml import etree  # type: ignore[import-untyped]  # neither annotations nor stubs are among the requirements

LIBXML_DEPTH = 256
"""Levels that libxml2 itself allows without `huge_tree`; with it, 2,048."""

LIBXML_TEXT_BYTES = 10_000_000
"""Bytes of the longest text or attribute without `huge_tree`."""

_INVALID_ENCODING, _RESOURCE_LIMIT, _NAME_TOO_LONG = 81, 114, 110
_NOT_XML = "ERR_DOCUMENT_EMPTY"


class Element(Protocol):
    """An element of a tree without comments and processing instructions."""

    @property
    def tag(self) -> str:
        """`{uri}local`, or the local name alone."""
        ...

    @property
    def text(self) -> str | None:
        """Text before the first child element."""
        ...

    @property
    def tail(self) -> str | None:
        """Text after the element, in its parent."""
        ...

    def get(self, name: str) -> str | None:
        """An attribute."""
        ...

    def items(self) -> Iterable[tuple[str, str]]:
        """Attributes in document order, by name as `tag` has it; declarations of namespaces are none."""
        ...

    def iterchildren(self, *tags: str) -> Iterator[Element]:
        """Child elements of these names, in document order; of the others no object is made. Without names, all."""
        ...

    def __iter__(self) -> Iterator[Element]: ...

    def __getitem__(self, positions: slice, /) -> list[Element]:
        """Child elements; all at once, they take a third less time than one by one."""
        ...

    def __len__(self) -> int:
        """Child elements."""
        ...


Parser = Any


class NotWellFormed(Exception):
    """What libxml2 found, without its message: that one quotes the document."""

    def __init__(self, kind: str, line: int, column: int) -> None:
        super().__init__(f"{kind} at line {line}, column {column}")
        self.kind = kind
        """libxml2's name of the error, as in `TAG_NAME_MISMATCH`."""
        self.line = line
        self.column = column
        self.too_deep = False
        self.too_large = False
        self.not_utf8 = False


def make_parser(*, huge: bool) -> Parser:
    """A parser that fetches nothing, expands nothing, repairs nothing and takes every document for UTF-8.

    White space between elements is dropped: no contract reads it, and the tree is a third smaller.
    Serves one thread: two threads that share one take turns.
    """
    return etree.XMLParser(
        encoding="UTF-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        recover=False,
        huge_tree=huge,
        remove_comments=True,
        remove_pis=True,
        remove_blank_text=True,
        collect_ids=False,
    )


def parse(data: bytes, parser: Parser) -> Element:
    """The document element; raises `NotWellFormed`."""
    try:
        return cast("Element", etree.fromstring(data, parser))
    except etree.XMLSyntaxError as error:
        failure = _failure(error)
        error.error_log = None
    # libxml2's messages quote the document, and a thread's log would keep the last hundred of them.
    etree.clear_error_log()
    # Raised out here: as the context of this error, the other one would travel on with its message.
    raise failure


def _failure(error: Any) -> NotWellFormed:  # noqa: ANN401 - lxml has no types
    line, column = error.position
    name = etree.ErrorTypes._getName(error.code) or "ERR_UNKNOWN"  # noqa: SLF001 - there is no other way to the names
    # libxml2 calls a document empty that does not begin with a tag.
    kind = "START_TAG_EXPECTED" if name == _NOT_XML else name.removeprefix("ERR_")
    failure = NotWellFormed(kind, line, max(column, 0))
    failure.too_deep = error.code == _RESOURCE_LIMIT and str(error.msg).startswith("Excessive depth")
    failure.too_large = error.code in (_RESOURCE_LIMIT, _NAME_TOO_LONG) and not failure.too_deep
    failure.not_utf8 = error.code == _INVALID_ENCODING
    return failure


def has_doctype(root: Element) -> bool:
    """Whether the parsed document declared a document type."""
    return cast("Any", root).getroottree().docinfo.internalDTD is not None


def deeper_than(levels: int) -> Callable[[Element], bool]:
    """A check, made once a thread, of whether a tree has more than `levels` levels. About 10 µs for 30 KB."""
    return cast("Callable[[Element], bool]", etree.XPath("boolean(" + "/*" * (levels + 1) + ")"))
