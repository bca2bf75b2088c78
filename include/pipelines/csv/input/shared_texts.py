"""The texts that the cells of a workbook share: each is stored once, apart from the sheets; cells have its number."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO, Any

from openpyxl.xml.constants import SHEET_MAIN_NS
from openpyxl.xml.functions import iterparse

MEMORY_BYTES = 4 * 1024 * 1024
"""More of them are in a temporary file: a sheet of 100,000 rows may share 50 MB."""

_ITEM, _TEXT, _RUN = (f"{{{SHEET_MAIN_NS}}}{name}" for name in ("si", "t", "r"))
_PLACE = struct.Struct("<Q")
_BOUNDS = struct.Struct("<QQ")


class SharedTexts:
    """By number, as they are in the file; read from disk one by one. For one thread."""

    def __init__(self) -> None:
        with ExitStack() as stack:
            texts = stack.enter_context(tempfile.SpooledTemporaryFile(MEMORY_BYTES, prefix="headrace-"))
            ends = stack.enter_context(tempfile.SpooledTemporaryFile(MEMORY_BYTES, prefix="headrace-"))
            self._open = stack.pop_all()
        self._texts, self._ends = texts, ends
        self._count = 0

    def read(self, part: IO[bytes]) -> None:
        """All texts of the workbook's part, once. Raises what the parser does."""
        end = 0
        self._ends.write(_PLACE.pack(end))
        for item in _children(part, _ITEM):
            text = "".join(_pieces(item)).encode("utf-8", "surrogatepass")
            end += len(text)
            self._texts.write(text)
            self._ends.write(_PLACE.pack(end))
            self._count += 1

    def __getitem__(self, number: int) -> str:
        if not 0 <= number < self._count:
            raise IndexError(number)
        self._ends.seek(_PLACE.size * number)
        start, end = _BOUNDS.unpack(self._ends.read(_BOUNDS.size))
        self._texts.seek(start)
        return self._texts.read(end - start).decode("utf-8", "surrogatepass")

    def close(self) -> None:
        """Remove what is on disk."""
        self._open.close()


def _children(part: IO[bytes], tag: str) -> Iterator[Any]:
    """Of the root; each is gone when the next one comes."""
    root: Any = None
    for event, element in iterparse(part, events=("start", "end")):
        if root is None:
            root = element
        elif event == "end" and element.tag == tag:
            yield element
            element.clear()
            del root[:-1]


def _pieces(item: Any) -> Iterator[str]:  # noqa: ANN401 - openpyxl chooses the parser
    """A text, or one in runs of different formats; not how it is pronounced."""
    for child in item:
        if child.tag == _TEXT:
            yield child.text or ""
        elif child.tag == _RUN:
            yield from (piece.text or "" for piece in child.iterfind(_TEXT))
