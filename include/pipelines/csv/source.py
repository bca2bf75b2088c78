"""Rows of a table as records, by range, or by the keys of a list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from include.connections.files.places import Places
from include.engine.errors import FatalError
from include.engine.judge import NoAnswer
from include.engine.model import Batch, KeyListRange, Record, RowRange
from include.pipelines.csv.input.mapping import ColumnMapping
from include.pipelines.csv.input.tables import open_table
from include.pipelines.csv.keys import TableKeys, split_key
from include.pipelines.csv.row import Row


@dataclass(frozen=True, slots=True)
class RowWork:
    """The payload of a record. No value shows in its `repr`."""

    uri: str
    pin: str
    row: Row = field(repr=False)


class RowSource:
    """Reads each table of a batch once, in the order of its rows, a row at a time."""

    def __init__(
        self,
        places: Places,
        mapped: Callable[[Sequence[str]], ColumnMapping],
        keys_of: Callable[[KeyListRange], Sequence[str]],
        tables_of: Callable[[set[str]], Mapping[str, RowRange]],
    ) -> None:
        """`mapped` gives the columns for a header, `tables_of` the whole tables behind the keys of tables."""
        self._places = places
        self._mapped = mapped
        self._keys_of = keys_of
        self._tables_of = tables_of

    def read(self, batch: Batch) -> Iterator[Record]:
        """Listed keys without a row come last, each with a fault. Raises `SourceChanged`, `SettingsError`."""
        match batch.part:
            case RowRange() as part:
                yield from self._rows(part)
            case KeyListRange() as part:
                yield from self._listed(self._keys_of(part))
            case other:
                raise FatalError(f"rows are read by range, not by {type(other).__name__}")

    def _rows(self, part: RowRange, wanted: set[int] | None = None) -> Iterator[Record]:
        keys = TableKeys(part)
        left = None if wanted is None else set(wanted)
        with open_table(self._places, part) as table:
            mapping = self._mapped(table.header)
            for row in table.rows:
                if left is not None:
                    if row.number not in left:
                        continue
                    left.remove(row.number)
                key = keys.row(row.number)
                if row.fault is not None:
                    yield Record(key, None, fault=row.fault)
                else:
                    fields = mapping.fields(row.cells)
                    size = sum(map(len, fields.values()))
                    yield Record(key, RowWork(part.uri, part.pin, Row(row.number, fields)), size)
                if left is not None and not left:
                    return

    def _listed(self, keys: Sequence[str]) -> Iterator[Record]:
        numbers: dict[str, set[int]] = {}
        for key in keys:
            if (place := split_key(key)) is not None:
                numbers.setdefault(place[0], set()).add(place[1])
        tables = self._tables_of(set(numbers))
        missing = dict.fromkeys(keys)
        for table, wanted in sorted(numbers.items()):
            if table in tables:
                for record in self._rows(tables[table], wanted):
                    missing.pop(str(record.key), None)
                    yield record
        for key in missing:
            # What was paid for it stays in the table.
            yield Record(key, None, fault=NoAnswer("source.missing", "no file that was planned has this row"))
