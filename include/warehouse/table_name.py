"""How a table is called: its name, and its schema where it does not stand in the connection's own."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

MAX_TABLE_NAME = 128
"""Characters of schema, dot and name together: so much `headrace_target_tables` holds of them."""


class TableName(NamedTuple):
    """As declared: only a warehouse knows which schema `None` stands for, and which names are of one table."""

    schema: str | None
    name: str

    @classmethod
    def of(cls, table: sa.Table) -> TableName:
        """Of a declared table."""
        return cls(table.schema, table.name)

    def __str__(self) -> str:
        """For messages and house tables. Neither part has a dot (see `target_faults`)."""
        return f"{self.schema}.{self.name}" if self.schema else self.name

    @property
    def folded(self) -> TableName:
        """For comparing with names that a database spells in its own way."""
        return TableName(self.schema.lower() if self.schema else None, self.name.lower())
