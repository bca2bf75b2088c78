"""The seam between the commit and a database's fastest exact way to move rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

import sqlalchemy as sa

from include.engine.model import Key, Row
from include.warehouse.delete_path import DeletePath


class Loader(Protocol):
    """Moves rows within the caller's transaction. Rows hold wire values (see `encoders`).

    Errors of the database pass through untranslated: the caller knows what it was doing.
    """

    def lock_target(self, connection: sa.Connection, pipeline: str, target: str) -> None:
        """Keep other commits to this target out until the transaction ends.

        Raises `TransientError` when that takes too long.
        """
        ...

    def utc_now(self, connection: sa.Connection) -> datetime:
        """The database's own time; naive, in UTC."""
        ...

    def select(
        self,
        connection: sa.Connection,
        table: sa.Table,
        columns: Sequence[str],
        owner: tuple[str, str],
        keys: list[str],
        *,
        to_write: bool = True,
    ) -> list[tuple[Any, ...]]:
        """Lines of a house table, whose key is (pipeline, target, record_key), for `owner` and `keys`.

        `to_write`: until the transaction ends, nobody else writes these lines, nor lines of the keys that have none.
        """
        ...

    def delete(self, connection: sa.Connection, paths: Sequence[DeletePath], keys: Sequence[Key]) -> None:
        """Delete the rows of these record keys by these paths, in this order."""
        ...

    def insert(self, connection: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
        """Insert rows of all columns in declared order."""
        ...

    def upsert(self, connection: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
        """Insert rows of all columns, or update the rows of the same primary key."""
        ...
