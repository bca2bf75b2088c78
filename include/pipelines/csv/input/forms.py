"""How a table is read. The plan finds it out, and a batch carries it as a short text to whoever reads the rows."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from include.engine.errors import FatalError
from include.pipelines.csv.input.encodings import TextEncoding


@dataclass(frozen=True, slots=True)
class CsvForm:
    """Of a text file. Quotes are `"`, doubled within a cell."""

    codec: str
    mark: int
    """Bytes of the byte order mark."""
    delimiter: str
    newline: str
    """That of the header: LF, CR LF or CR."""
    body: int
    """Bytes of the file before the first row."""

    @property
    def encoding(self) -> TextEncoding:
        """The two that make it."""
        return TextEncoding(self.codec, self.mark)


@dataclass(frozen=True, slots=True)
class SheetForm:
    """Of a worksheet."""

    sheet: int
    """Position in the workbook, 0-based."""


TableForm = CsvForm | SheetForm


def form_text(form: TableForm) -> str:
    """The `form` of a `RowRange`."""
    kind = "csv" if isinstance(form, CsvForm) else "xlsx"
    return json.dumps([kind, *asdict(form).values()], separators=(",", ":"))


def parse_form(text: str) -> TableForm:
    """The inverse; raises `FatalError`."""
    try:
        kind, *values = json.loads(text)
        return CsvForm(*values) if kind == "csv" else SheetForm(*values)
    except (ValueError, TypeError):
        raise FatalError("the batch does not say how its table is read: plan it again") from None
