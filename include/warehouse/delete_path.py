"""How the rows of a record key are found in a table: by its own column, or through its parents."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa


@dataclass(frozen=True)
class Step:
    """One foreign key on the way to the record key."""

    column: str
    """Of the child."""
    parent: str
    """Table name."""
    parent_column: str


@dataclass(frozen=True)
class DeletePath:
    """The way from a table to the column that carries the record key."""

    table: str
    steps: tuple[Step, ...]
    key_column: str
    """In the last step's parent, or in the table itself when there are no steps."""

    @property
    def first_column(self) -> str:
        """The table's own column that a delete looks up."""
        return self.steps[0].column if self.steps else self.key_column

    @property
    def tables(self) -> tuple[str, ...]:
        """It and its parents on the way."""
        return (self.table, *(step.parent for step in self.steps))

    def condition(self, keys_query: str, quote: Callable[[str], str], qualify: Callable[[str], str]) -> str:
        """A WHERE condition of the table; `keys_query` is a subquery that lists the keys."""
        columns = [step.column for step in self.steps] + [self.key_column]
        condition = f"{quote(columns[-1])} IN ({keys_query})"
        for column, step in zip(reversed(columns[:-1]), reversed(self.steps), strict=True):
            subquery = f"SELECT {quote(step.parent_column)} FROM {qualify(step.parent)} WHERE {condition}"  # noqa: S608 - quoted identifiers of declarations, no values
            condition = f"{quote(column)} IN ({subquery})"
        return condition

    def to_json(self) -> dict[str, Any]:
        """For `headrace_target_tables`: a retired table is deleted from by what this says."""
        steps = [[step.column, step.parent, step.parent_column] for step in self.steps]
        return {"table": self.table, "steps": steps, "key_column": self.key_column}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> DeletePath:
        """The inverse of `to_json`."""
        steps = tuple(Step(*step) for step in document["steps"])
        return cls(document["table"], steps, document["key_column"])


def find_path(table: sa.Table, record_key: str) -> DeletePath | None:
    """The shortest way; None where no single-column foreign keys lead to the record key."""
    waiting: deque[tuple[sa.Table, tuple[Step, ...]]] = deque([(table, ())])
    seen = {table.name}
    while waiting:
        current, steps = waiting.popleft()
        if record_key in current.columns:
            return DeletePath(table.name, steps, record_key)
        for constraint in sorted(current.foreign_key_constraints, key=lambda found: list(found.column_keys)):
            if len(constraint.elements) != 1 or constraint.referred_table.name in seen:
                continue
            element = constraint.elements[0]
            step = Step(element.parent.name, constraint.referred_table.name, element.column.name)
            seen.add(step.parent)
            waiting.append((constraint.referred_table, (*steps, step)))
    return None
