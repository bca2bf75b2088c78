"""Rows that reach their record's key through parents: the parents must be of the same record."""

from __future__ import annotations

from dataclasses import dataclass

from include.engine.errors import RecordRejected
from include.engine.model import Key, Rows
from include.engine.ports import Fit
from include.warehouse.target import Target


def within_record(target: Target, fit: Fit) -> Fit:
    """The fit, rejecting (`fit.parent`) a record with a row whose parent is not among its own rows.

    Such a row would belong to another record: it would outlive every later replacement of this one. Where every
    table carries the key there is nothing to check, and the fit comes back as it is.
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
    return _WithinRecord(fit, links) if links else fit


@dataclass(frozen=True, slots=True)
class _WithinRecord:
    """A class, not a closure, since it travels to worker processes."""

    fit: Fit
    links: list[tuple[str, int, str, int]]

    def __call__(self, rows: Rows, key: Key) -> Rows:
        rows = self.fit(rows, key)
        for child, column, parent, parent_column in self.links:
            if child not in rows:
                continue
            own = {row[parent_column] for row in rows.get(parent, ())}
            if any(row[column] not in own for row in rows[child]):
                raise RecordRejected("fit.parent", f"{child}: a row whose {parent} is not of the same record")
        return rows
