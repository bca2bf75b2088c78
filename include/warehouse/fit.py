"""Fits a record's rows to their tables: in the workers, so that the writer only writes."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from include.engine.errors import RecordRejected
from include.engine.model import Key, NotedRows, Row, Rows
from include.warehouse.encoders import Wire, encoder, integer_bounds, text_limit, value_encoder
from include.warehouse.target import Target, TargetTable


class _TablePlan:
    """The checks of one table. Most values are texts and integers that stay as they are: they cost no call."""

    __slots__ = ("_careful", "_converted", "_integers", "_key_position", "_name", "_required", "_texts", "_width")

    def __init__(self, table: TargetTable, dialect: str, key_column: str) -> None:
        columns = list(enumerate(table.table.columns))
        self._name = table.name
        self._width = len(columns)
        self._careful = [encoder(column, dialect) for _, column in columns]
        self._texts = [(at, text_limit(column.type)) for at, column in columns if isinstance(column.type, sa.String)]
        self._integers = [
            (at, *integer_bounds(column.type)) for at, column in columns if isinstance(column.type, sa.Integer)
        ]
        unchanged = {at for at, *_ in (*self._texts, *self._integers)}
        self._converted = [(at, value_encoder(column, dialect)) for at, column in columns if at not in unchanged]
        self._required = [at for at, column in columns if not column.nullable]
        self._key_position = table.columns.index(key_column) if key_column in table.columns else None

    def fit(self, row: Row, key: Key | None) -> tuple[Wire, ...]:
        if len(row) != self._width:
            raise RecordRejected("fit.row_width", f"{self._name} has {self._width} columns, the row {len(row)} values")
        self._check(row)
        fitted = list(row)
        for at, encode in self._converted:
            if (value := row[at]) is not None:
                fitted[at] = encode(value)
        if key is not None and self._key_position is not None and fitted[self._key_position] != key:
            # A row of another key would outlive every later replacement of this one.
            raise RecordRejected("fit.key", f"{self._name}: the row does not carry the key of its record")
        return tuple(fitted)

    def _check(self, row: Row) -> None:
        """What is not plainly right goes to the column's encoder, which knows the exceptions and names the faults."""
        for at in self._required:
            if row[at] is None:
                self._careful[at](None)
        for at, limit in self._texts:
            value = row[at]
            if type(value) is str and len(value) <= limit and value.isascii() and "\0" not in value:
                continue
            if value is not None:
                self._careful[at](value)
        for at, low, high in self._integers:
            value = row[at]
            if value is not None and not (type(value) is int and low <= value <= high):
                self._careful[at](value)


class Fitter:
    """Checks rows and turns their values into wire values. Safe to call from many threads at once.

    Raises `RecordRejected`: `fit.null`, `fit.type`, `fit.too_long`, `fit.out_of_range`, `fit.scale`,
    `fit.nul`, `fit.surrogate`, `fit.row_width`, `fit.unknown_table`, `fit.key`.
    """

    def __init__(self, target: Target, dialect: str) -> None:
        self._made_of = target, dialect
        self._target = target.name
        self._plans = {table.name: _TablePlan(table, dialect, target.record_key) for table in target.tables}

    def __reduce__(self) -> tuple[type[Fitter], tuple[Target, str]]:
        """The encoders do not pickle; they are made again where the pickle arrives."""
        return Fitter, self._made_of

    def __call__(self, rows: Rows, key: Key | None = None) -> Rows:
        """`key`, where given, is compared with the record key's column of every row. What rows note stays with them."""
        fitted: dict[str, Sequence[Row]] = {}
        if isinstance(rows, NotedRows):
            fitted = noted = NotedRows((), rows.warnings, rows.marks)
            noted.size, noted.is_partial = rows.size, rows.is_partial
        for name, table_rows in rows.items():
            plan = self._plans.get(name)
            if plan is None:
                raise RecordRejected("fit.unknown_table", f"{name} is not a table of target {self._target}")
            fitted[name] = [plan.fit(row, key) for row in table_rows]
        return fitted
