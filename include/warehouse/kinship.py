"""Rows that reach their record's key through parents: the parents must be of the same record."""

from __future__ import annotations

from include.engine.errors import RecordRejected
from include.engine.model import Record, Rows
from include.engine.ports import Transform
from include.warehouse.target import Target


def within_record(target: Target, transform: Transform) -> Transform:
    """The transform, rejecting (`fit.parent`) a record with a row whose parent is not among its own rows.

    Such a row would belong to another record: it would outlive every later replacement of this one. Where every
    table carries the key there is nothing to check, and the transform comes back as it is.
    """
    links = [
        (
            table.name,
            table.columns.index(step.column),
            step.parent,
            target[step.parent].columns.index(step.parent_column),
        )
        for table in target.tables
        for step in table.delete_path.steps[:1]
    ]
    if not links:
        return transform

    def checked(record: Record) -> Rows:
        rows = transform(record)
        for child, column, parent, parent_column in links:
            if child not in rows:
                continue
            own = {row[parent_column] for row in rows.get(parent, ())}
            if any(row[column] not in own for row in rows[child]):
                raise RecordRejected("fit.parent", f"{child}: a row whose {parent} is not of the same record")
        return rows

    return checked
