"""Which character parts the cells of a CSV file."""

from __future__ import annotations

from itertools import islice

from include.engine.errors import SettingsError
from include.pipelines.csv.input.lines import Lines
from include.pipelines.csv.input.records import read_rows

CANDIDATES = ",;\t|"
"""The first wins where nothing tells."""

SAMPLE_ROWS = 50


def sniffed(lines: Lines) -> str:
    """By which most of the first rows have as many cells as the header, of at least two; then the most cells."""
    return max(CANDIDATES, key=lambda delimiter: _fit(lines, delimiter))


def _fit(lines: Lines, delimiter: str) -> tuple[float, int]:
    lines.go_to(0)
    widths = [len(row.cells) for row in islice(read_rows(lines, delimiter), SAMPLE_ROWS)]
    if not widths or widths[0] < 2:
        return 0.0, 0
    return widths.count(widths[0]) / len(widths), widths[0]


def checked_delimiter(given: str) -> str:
    r"""One character, `\t` for the tab; raises `SettingsError` for what cannot part cells."""
    delimiter = "\t" if given == "\\t" else given
    if len(delimiter) != 1 or delimiter in '"\r\n\0 ' or delimiter.isalnum():
        raise SettingsError("delimiter: give one character, as , or ; or | or \\t, that is no letter, digit or quote")
    return delimiter
