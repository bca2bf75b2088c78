"""Writes CSV as the input has it, or as it is asked for."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from include.pipelines.csv.input.cells import Cell, cell_text
from include.pipelines.csv.input.delimiter import checked_delimiter
from include.pipelines.csv.input.encodings import UTF_8, TextEncoding, asked
from include.pipelines.csv.input.forms import CsvForm, TableForm
from include.pipelines.csv.output.characters import plain
from include.pipelines.csv.output.formulas import neutralised_in_csv
from include.pipelines.csv.output.options import OutputOptions

MARKED_UTF_8 = asked("utf-8-sig")
"""What spreadsheets take for UTF-8."""

_CHUNK = 256 * 1024
_RFC_END = "\r\n"


@dataclass(frozen=True, slots=True)
class CsvDialect:
    """How a file is written. Quotes are `"`, doubled within a cell, and only where they must be."""

    encoding: TextEncoding
    delimiter: str
    newline: str

    @classmethod
    def chosen(cls, form: TableForm, options: OutputOptions) -> CsvDialect:
        """That of the input where nothing else is asked for; of a worksheet, what Excel reads."""
        ways = cls(MARKED_UTF_8, ",", _RFC_END)
        if isinstance(form, CsvForm):
            ways = cls(form.encoding, form.delimiter, form.newline)
        return cls(
            asked(options.encoding) if options.encoding else ways.encoding,
            checked_delimiter(options.delimiter) if options.delimiter else ways.delimiter,
            ways.newline,
        )


class CsvWriter:
    """Rows wait in a temporary file as UTF-8 until it is known whether the encoding can hold them all."""

    def __init__(self, dialect: CsvDialect, options: OutputOptions, scratch: BinaryIO) -> None:
        self._dialect = dialect
        self._options = options
        self._scratch = scratch
        self._fits = True
        self._line = io.StringIO(newline="")
        self._csv = csv.writer(self._line, delimiter=dialect.delimiter, lineterminator=_RFC_END)

    def header(self, names: Sequence[str]) -> None:
        """See `TableWriter`."""
        self._write(self._neutralised(names) if self._options.neutralise_original else names)

    def row(self, original: Sequence[Cell], generated: Sequence[str], blanks: int) -> None:
        """See `TableWriter`."""
        kept = [cell_text(cell) for cell in original]
        made = [plain(text) for text in generated]
        if self._options.neutralise_original:
            kept = self._neutralised(kept)
        if self._options.neutralise_generated:
            made = self._neutralised(made)
        self._put(self._dialect.newline * blanks)
        self._write([*kept, *made])

    def finish(self, file: BinaryIO) -> str:
        """See `TableWriter`. Texts that do not fit the encoding make the file UTF-8 with a byte order mark."""
        encoding = self._dialect.encoding if self._fits else MARKED_UTF_8
        file.write(encoding.byte_order_mark)
        self._scratch.seek(0)
        text = io.TextIOWrapper(self._scratch, UTF_8, newline="")
        while chunk := text.read(_CHUNK):
            file.write(chunk.encode(encoding.codec))
        text.detach()
        why = "" if self._fits else f", since {self._dialect.encoding.codec} does not hold all characters"
        return f"CSV in {encoding.codec}{why}"

    def _neutralised(self, texts: Sequence[str]) -> list[str]:
        return [neutralised_in_csv(text, self._dialect.delimiter) for text in texts]

    def _write(self, cells: Sequence[str]) -> None:
        """With RFC 4180's line end, which has the writer quote both of its characters; then with the file's own."""
        self._line.seek(0)
        self._line.truncate()
        self._csv.writerow(cells)
        self._put(self._line.getvalue().removesuffix(_RFC_END) + self._dialect.newline)

    def _put(self, text: str) -> None:
        if self._fits and self._dialect.encoding.codec != UTF_8:
            try:
                text.encode(self._dialect.encoding.codec)
            except UnicodeEncodeError:
                self._fits = False
        self._scratch.write(text.encode(UTF_8, "replace"))
