"""Rows a second of each way to load, side by side on one connection, into a temporary table."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from include.engine.errors import HeadraceError
from include.engine.model import Row
from include.warehouse.column_types import portable
from include.warehouse.connection import Warehouse
from include.warehouse.encoders import value_encoder
from include.warehouse.faults import ConstraintViolated
from include.warehouse.loaders.mssql_rivals import WAYS
from include.warehouse.loaders.mssql_server import drop_temporary, empty_temporary

COLUMNS: tuple[tuple[str, sa.types.TypeEngine[Any]], ...] = (
    ("name", sa.String(60)),
    ("amount", sa.Numeric(14, 2)),
    ("born", sa.Date()),
    ("changed", sa.DateTime()),
    ("count", sa.Integer()),
    ("active", sa.Boolean()),
    ("note", sa.Text()),
    ("rate", sa.Float()),
)
"""Of a row of the middling kind; twice, beside its number."""

VALUES = (
    "a value of text",
    Decimal("12345.67"),
    date(2024, 5, 6),
    datetime.fromisoformat("2024-05-06T07:08:09.123457"),
    42,
    True,
    "more text, of a sentence's length or so",
    0.125,
)


@dataclass(slots=True)
class Figure:
    """What one way did."""

    way: str
    seconds: list[float] = field(default_factory=list)
    fault: str | None = None
    """Class and number of the error that ended it."""
    is_exact: bool = True
    """Whether every value came back as it was sent."""

    def rows_a_second(self, count: int) -> float:
        """Of the median repetition."""
        return count / statistics.median(self.seconds)

    def times(self, other: Figure) -> float:
        """How many times as many rows as the other way moves: the median of ratios within a repetition."""
        return statistics.median(theirs / own for theirs, own in zip(other.seconds, self.seconds, strict=False))


def measured_table() -> sa.Table:
    """17 columns, temporary."""
    columns = [
        sa.Column(f"{name}_{part}", portable(type_) or type_, nullable=True)
        for part in (1, 2)
        for name, type_ in COLUMNS
    ]
    return sa.Table("#headrace_rows", sa.MetaData(), sa.Column("id", sa.BigInteger, nullable=False), *columns)


def wire_rows(table: sa.Table, count: int) -> list[Row]:
    """As workers hand them to the writer."""
    encoders = [value_encoder(column, "mssql") for column in table.columns]
    return [
        tuple(encode(value) for encode, value in zip(encoders, (number, *VALUES, *VALUES), strict=True))
        for number in range(count)
    ]


def measure(warehouse: Warehouse, count: int, repetitions: int) -> Iterator[Figure]:
    """One figure a way, each with a connection of its own: what a server cannot do may cost the connection."""
    table = measured_table()
    rows = wire_rows(table, count)
    figures = [Figure(way) for way in WAYS]
    for _ in range(repetitions):
        # In turns: what slows the machine for a while slows all of them.
        for figure in figures:
            if figure.fault is None:
                _measure_once(warehouse, table, rows, figure)
    yield from figures


def _measure_once(warehouse: Warehouse, table: sa.Table, rows: Sequence[Row], figure: Figure) -> None:
    try:
        with warehouse.connect() as connection, warehouse.transaction(connection, figure.way):
            table.create(connection)
            # The first statement of a kind is compiled by the server.
            WAYS[figure.way](connection, table, rows[:10])
            connection.exec_driver_sql(empty_temporary(table.name))
            started = time.perf_counter()
            WAYS[figure.way](connection, table, rows)
            elapsed = time.perf_counter() - started
            if not figure.seconds:
                figure.is_exact = _holds(connection, table, len(rows))
            connection.exec_driver_sql(drop_temporary(table.name))
    except HeadraceError as error:
        figure.fault = str(error).removeprefix(f"{figure.way}: ")
    except ConstraintViolated as refused:
        figure.fault = refused.fault.label
    except (TypeError, ValueError, NotImplementedError) as error:
        # Of the driver's own conversions.
        figure.fault = type(error).__name__
    else:
        figure.seconds.append(elapsed)


def _holds(connection: sa.Connection, table: sa.Table, count: int) -> bool:
    expected = [(number, *VALUES, *VALUES) for number in range(count)]
    return sorted(map(tuple, connection.execute(sa.select(table)).all())) == expected


def lines(figures: Sequence[Figure], count: int) -> Iterator[str]:
    """A line a way: rows a second, and how that compares with the pipelines' own way."""
    own = figures[0]
    for figure in figures:
        if figure.fault is not None or not figure.seconds:
            yield f"{figure.way:<18} not possible here: {figure.fault}"
            continue
        ratio = ""
        if own.seconds and figure is not own:
            ratio = f"{figure.times(own):6.2f} times {own.way}"
        exact = "" if figure.is_exact else "   (values came back otherwise)"
        yield f"{figure.way:<18} {figure.rows_a_second(count):>9,.0f} rows/s {ratio}{exact}"


def choice(figures: Sequence[Figure]) -> str:
    """The fastest way that is exact, in words."""
    own = figures[0]
    fit = [figure for figure in figures if figure.fault is None and figure.seconds and figure.is_exact]
    if not fit:
        return "no way to load is exact here: do not load into this server"
    if own not in fit:
        return f"{fit[0].way}; pipelines load by {own.way}, which is not exact here: do not load into this server"
    best = max(fit, key=lambda figure: figure.times(own))
    if best is own:
        return f"{own.way}, which pipelines load by: the fastest of those that keep every value"
    return (
        f"{own.way}, which pipelines load by; {best.way} moves {best.times(own):.1f} times as many rows here, "
        "if the loading of rows is what your runs wait for"
    )
