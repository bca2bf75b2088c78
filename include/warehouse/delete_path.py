"""How the rows of a record key are found in a table: by its own column, or through its parents."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from include.warehouse.table_name import TableName


@dataclass(frozen=True)
class Step:
    """One foreign key on the way to the record key."""

    column: str
    """Of the child."""
    parent: str
    """Table name; the schema is the child's."""
    parent_column: str


@dataclass(frozen=True)
class DeletePath:
    """The way from a table to the column that carries the record key."""

    table: str
    steps: tuple[Step, ...]
    key_column: str
    """In the last step's parent, or in the table itself when there are no steps."""
    schema: str | None = None
    """Of the table and its parents; None: the connection's own."""

    @property
    def name(self) -> TableName:
        """Of the table."""
        return TableName(self.schema, self.table)

    @property
    def first_column(self) -> str:
        """The table's own column that a delete looks up."""
        return self.steps[0].column if self.steps else self.key_column

    @property
    def tables(self) -> tuple[TableName, ...]:
        """It and its parents on the way."""
        return (self.name, *(TableName(self.schema, step.parent) for step in self.steps))

    def condition(self, keys_query: str, quote: Callable[[str], str], qualify: Callable[[TableName], str]) -> str:
        """A WHERE condition of the table; `keys_query` is a subquery that lists the keys."""
        condition = f"{quote(self.key_column)} IN ({keys_query})"
        for step, parent in zip(reversed(self.steps), reversed(self.tables[1:]), strict=True):
            subquery = f"SELECT {quote(step.parent_column)} FROM {qualify(parent)} WHERE {condition}"  # noqa: S608 - quoted identifiers of declarations, no values
            condition = f"{quote(step.column)} IN ({subquery})"
        return condition

    def to_json(self) -> dict[str, Any]:
        """For `headrace_target_tables`: a retired table is deleted from by what this says."""
        steps = [[step.column, step.parent, step.parent_column] for step in self.steps]
        schema = {"schema": self.schema} if self.schema else {}
        return {"table": self.table, "steps": steps, "key_column": self.key_column, **schema}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> DeletePath:
        """The inverse of `to_json`."""
        steps = tuple(Step(*step) for step in document["steps"])
        return cls(document["table"], steps, document["key_column"], document.get("schema"))


def find_path(table: sa.Table, record_key: str) -> DeletePath | None:
    """The shortest way; None where no single-column foreign keys lead to the record key."""
    waiting: deque[tuple[sa.Table, tuple[Step, ...]]] = deque([(table, ())])
    seen = {table.name}
    while waiting:
        current, steps = waiting.popleft()
        if record_key in current.columns:
            return DeletePath(table.name, steps, record_key, table.schema)
        for constraint in sorted(current.foreign_key_constraints, key=lambda found: list(found.column_keys)):
            if len(constraint.elements) != 1 or constraint.referred_table.name in seen:
                continue
            element = constraint.elements[0]
            step = Step(element.parent.name, constraint.referred_table.name, element.column.name)
            seen.add(step.parent)
            waiting.append((constraint.referred_table, (*steps, step)))
    return None
