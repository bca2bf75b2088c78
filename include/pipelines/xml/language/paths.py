"""Paths of a contract: element steps, then at most one attribute; `.` is the row's element itself.

A subset of XPath on purpose: every path is walked downwards, in one pass over the document. In tables with groups
a path may hold `{group}`; it is a path once that is filled in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_NAME = r"[^\W\d][\w.\-]*"
_STEP = rf"(?:{_NAME}:)?{_NAME}"

GROUP = "{group}"
"""Stands in a path for the element name of a group."""

# A name with the placeholder, which may also be all of it, or a prefix.
_OPEN_STEP = r"(?:[^\W\d]|\{group\})(?:[\w.:\-]|\{group\})*"

NAME_PATTERN = rf"^{_STEP}$"
ROWS_PATTERN = rf"^(\.|{_STEP}(/{_STEP})*)$"
PATH_PATTERN = rf"^(\.|@{_STEP}|{_STEP}(/{_STEP})*(/@{_STEP})?)$"
OPEN_ROWS_PATTERN = rf"^(\.|{_OPEN_STEP}(/{_OPEN_STEP})*)$"
OPEN_PATH_PATTERN = rf"^(\.|@{_OPEN_STEP}|{_OPEN_STEP}(/{_OPEN_STEP})*(/@{_OPEN_STEP})?)$"
"""For the published JSON Schema; the checks fill in the placeholder first."""

_is_rows = re.compile(ROWS_PATTERN).fullmatch
_is_path = re.compile(PATH_PATTERN).fullmatch
_is_name = re.compile(NAME_PATTERN).fullmatch

XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"
"""Of the prefix `xml`, which no document declares."""

MAX_STEPS = 100
"""Deeper documents than this are refused by the parser anyway, or would pass Python's bounds on recursion."""


@dataclass(frozen=True, slots=True)
class Path:
    """A path as parsed, its names still with prefixes."""

    steps: tuple[str, ...]
    attribute: str | None = None

    def prefixes(self) -> set[str]:
        """Prefixes in use; the empty one is not among them."""
        names = (*self.steps, self.attribute or "")
        return {name.partition(":")[0] for name in names if ":" in name}

    def resolved(self, namespaces: Mapping[str, str]) -> Path:
        """Names as `{uri}local`. The prefix "" is that of elements without one, never of attributes (as in XML)."""
        attribute = None if self.attribute is None else expanded(self.attribute, namespaces, is_attribute=True)
        return Path(tuple(expanded(step, namespaces) for step in self.steps), attribute)


def expanded(name: str, namespaces: Mapping[str, str], *, is_attribute: bool = False) -> str:
    """`prefix:local` as `{uri}local`, the form in which lxml has it."""
    prefix, colon, local = name.rpartition(":")
    if not colon and is_attribute:
        return name
    uri = XML_NAMESPACE if prefix == "xml" else namespaces.get(prefix, "")
    return f"{{{uri}}}{local}" if uri else local


def parse_path(text: str) -> Path:
    """A column's path; raises `ValueError` that says what is wrong."""
    if not _is_path(text):
        raise ValueError(f"{text}: a path is element names joined by /, at the end maybe @attribute, or . alone")
    if text == ".":
        return Path(())
    steps, at, attribute = text.rpartition("@")
    names = (steps.rstrip("/") if at else text).split("/")
    return _bounded(text, Path(tuple(name for name in names if name), attribute if at else None))


def parse_rows(text: str) -> Path:
    """A table's row path; raises `ValueError` that says what is wrong."""
    if not _is_rows(text):
        raise ValueError(f"{text}: the path of rows is element names joined by /, or . alone")
    return _bounded(text, Path(() if text == "." else tuple(text.split("/"))))


def filled_in(text: str, element: str) -> str:
    """The path of one group."""
    return text.replace(GROUP, element)


def parse_name(text: str) -> str:
    """An element's name, maybe with a prefix; raises `ValueError`."""
    if not _is_name(text):
        raise ValueError(f"{text}: not the name of an element")
    return text


def _bounded(text: str, path: Path) -> Path:
    if len(path.steps) > MAX_STEPS:
        raise ValueError(f"{text[:40]}…: a path has at most {MAX_STEPS} steps")
    return path
