"""Keys of rows: the table as it was pinned, and the row's number."""

from __future__ import annotations

from include.connections.files.pinned import FilePin
from include.engine.model import RowRange
from include.pipelines.csv.input.forms import SheetForm, parse_form
from include.pipelines.csv.input.rows import file_key, row_key


class TableKeys:
    """Of one table; each sheet of a workbook has rows of its own. Keys sort as the rows."""

    def __init__(self, part: RowRange) -> None:
        """`part` is any of the table's. Raises `FatalError` where its form cannot be read."""
        form = parse_form(part.form)
        self.name = f"{part.uri}\nsheet {form.sheet}" if isinstance(form, SheetForm) else part.uri
        """The same for every state of the file."""
        self._pin = FilePin.parse(part.pin)
        self.table = file_key(self.name, self._pin)
        """What the keys of all its rows begin with."""

    def row(self, number: int) -> str:
        """Of the row with this number."""
        return row_key(self.name, self._pin, number)


def split_key(key: str) -> tuple[str, int] | None:
    """The table's key and the row's number; None for what is no key of a row."""
    table, _, number = key.rpartition("-")
    return (table, int(number)) if len(table) == 32 and len(number) == 10 and number.isdecimal() else None
