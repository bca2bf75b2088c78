"""What came of the rows of a table, as the warehouse has it, in their order."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from include.engine.model import Outcome, RowRange
from include.pipelines.csv.keys import TableKeys, split_key
from include.pipelines.csv.output.finished import FinishedRow
from include.pipelines.csv.tables import GENERATED, ROWS
from include.warehouse.connection import Warehouse
from include.warehouse.tables import records, rejects
from include.warehouse.target import Target

PAGE = 500
"""Rows a short transaction, and rows in memory."""


def finished_rows(warehouse: Warehouse, pipeline: str, target: Target, part: RowRange) -> Iterator[FinishedRow]:
    """The rows of the range that are settled.

    A row that was rejected has its error and nothing else: what an earlier run made of it stays in the table.
    """
    keys = TableKeys(part)
    query = _query(pipeline, target).where(records.c.record_key <= keys.row(part.last)).limit(PAGE)
    after = keys.row(part.first)
    while True:
        page = query.where(records.c.record_key > after)

        def work(connection: sa.Connection, page: sa.Select[Any] = page) -> Sequence[sa.Row[Any]]:
            return connection.execute(page).all()

        lines = warehouse.transact("read finished rows", work, write=False)
        yield from map(_finished, lines)
        if len(lines) < PAGE:
            return
        after = lines[-1].record_key


def _query(pipeline: str, target: Target) -> sa.Select[Any]:
    rows = target.table(ROWS)
    owner = (records.c.pipeline == pipeline) & (records.c.target == target.name)
    reject = (
        (rejects.c.pipeline == records.c.pipeline)
        & (rejects.c.target == records.c.target)
        & (rejects.c.record_key == records.c.record_key)
    )
    generated = [rows.c[name] for name in (*GENERATED, "extra")]
    columns = [records.c.record_key, records.c.outcome, records.c.reason, rejects.c.code, rejects.c.message]
    joined = records.outerjoin(rows, rows.c.record_key == records.c.record_key).outerjoin(rejects, reject)
    return sa.select(*columns, *generated).select_from(joined).where(owner).order_by(records.c.record_key)


def _finished(line: sa.Row[Any]) -> FinishedRow:
    place = split_key(line.record_key)
    number = place[1] if place else 0
    if line.outcome == Outcome.REJECTED:
        return FinishedRow(number, {}, line.code or line.reason, line.message)
    values = {name: getattr(line, name) for name in GENERATED if getattr(line, name) is not None}
    return FinishedRow(number, values | (json.loads(line.extra) if line.extra else {}))
