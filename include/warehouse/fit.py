"""Fits a record's rows to their tables: in the workers, so that the writer only writes."""

from __future__ import annotations

from collections.abc import Sequence

from include.engine.errors import RecordRejected
from include.engine.model import Key, Record, Row, Rows
from include.engine.ports import Transform
from include.warehouse.encoders import Encoder, Wire, encoder
from include.warehouse.target import Target, TargetTable


class _TablePlan:
    """The encoders of one table, in column order."""

    __slots__ = ("encoders", "key_position", "name", "width")

    def __init__(self, table: TargetTable, dialect: str, key_column: str) -> None:
        self.name = table.name
        self.encoders: tuple[Encoder, ...] = tuple(encoder(column, dialect) for column in table.table.columns)
        self.width = len(self.encoders)
        self.key_position = table.columns.index(key_column) if key_column in table.columns else None

    def fit(self, row: Row, key: Key | None) -> tuple[Wire, ...]:
        if len(row) != self.width:
            raise RecordRejected("fit.row_width", f"{self.name} has {self.width} columns, the row {len(row)} values")
        fitted = tuple([encode(value) for encode, value in zip(self.encoders, row, strict=True)])
        if key is not None and self.key_position is not None and fitted[self.key_position] != key:
            # A row of another key would outlive every later replacement of this one.
            raise RecordRejected("fit.key", f"{self.name}: the row does not carry the key of its record")
        return fitted


class Fitter:
    """Checks rows and turns their values into wire values. Safe to call from many threads at once.

    Raises `RecordRejected`: `fit.null`, `fit.type`, `fit.too_long`, `fit.out_of_range`, `fit.scale`,
    `fit.nul`, `fit.surrogate`, `fit.row_width`, `fit.unknown_table`, `fit.key`.
    """

    def __init__(self, target: Target, dialect: str) -> None:
        self._target = target.name
        self._plans = {table.name: _TablePlan(table, dialect, target.record_key) for table in target.tables}

    def __call__(self, rows: Rows, key: Key | None = None) -> Rows:
        """`key`, where given, is compared with the record key's column of every row."""
        fitted: dict[str, Sequence[Row]] = {}
        for name, table_rows in rows.items():
            plan = self._plans.get(name)
            if plan is None:
                raise RecordRejected("fit.unknown_table", f"{name} is not a table of target {self._target}")
            fitted[name] = [plan.fit(row, key) for row in table_rows]
        return fitted

    def after(self, transform: Transform) -> Transform:
        """The transform whose rows are fitted."""

        def fitted_transform(record: Record) -> Rows:
            return self(transform(record), record.key)

        return fitted_transform
