"""Who writes a table row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO, Protocol

from include.pipelines.csv.input.cells import Cell


class TableWriter(Protocol):
    """Memory does not grow with the rows."""

    def header(self, names: Sequence[str]) -> None:
        """First, and once."""
        ...

    def row(self, original: Sequence[Cell], generated: Sequence[str], blanks: int) -> None:
        """The next row; before it so many empty ones."""
        ...

    def finish(self, file: BinaryIO) -> str:
        """Write the whole to an empty file; says how, in words, for the log."""
        ...
