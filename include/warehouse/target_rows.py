"""Replaces the rows of record keys in all tables of a target, and finds the records that a database refuses."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sqlalchemy as sa

from include.engine.errors import FatalError
from include.engine.model import Outcome
from include.warehouse.connection import Warehouse
from include.warehouse.delete_path import DeletePath
from include.warehouse.faults import ConstraintViolated, Fault
from include.warehouse.loaders.loader import Loader
from include.warehouse.settling import Verdict
from include.warehouse.target import Target


class TargetRows:
    """Works within the caller's transaction."""

    def __init__(
        self,
        warehouse: Warehouse,
        loader: Loader,
        target: Target,
        retired: Sequence[DeletePath],
        obey: Callable[[], None],
    ) -> None:
        """`obey` is called between statements, and raises to end the commit."""
        self._obey = obey
        self._warehouse = warehouse
        self._loader = loader
        self._target = target
        # Retired tables may refer to those of today, not the other way round; children go first.
        self._paths = [*retired, *(table.delete_path for table in reversed(target.tables))]

    def replace(self, connection: sa.Connection, verdicts: Sequence[Verdict], *, narrow: bool) -> None:
        """Delete the keys' rows, insert the new ones.

        Raises `ConstraintViolated` when rows are refused. With `narrow` it finds their records
        instead, by halves between savepoints, and turns their verdicts into rejects.
        """
        if not verdicts:
            return
        self.delete(connection, verdicts)
        written = [verdict for verdict in verdicts if verdict.outcome is Outcome.WRITTEN]
        if narrow:
            self._insert_or_halve(connection, written)
        else:
            self._insert(connection, written)

    def delete(self, connection: sa.Connection, verdicts: Sequence[Verdict]) -> None:
        """Children first. A key of the wrong kind for the target finds nothing, and so is left out."""
        kind = int if self._target.key_is_number else str
        keys = [verdict.settlement.key for verdict in verdicts if isinstance(verdict.settlement.key, kind)]
        if not keys:
            return
        try:
            with self._warehouse.faults("delete by key"):
                self._loader.delete(connection, self._paths, sorted(keys))
        except ConstraintViolated as refused:
            label = refused.fault.label
        else:
            return
        raise FatalError(f"target {self._target.name}: rows outside the target hold on to its rows ({label})")

    def _insert(self, connection: sa.Connection, verdicts: Sequence[Verdict]) -> None:
        records = [verdict.settlement.rows for verdict in verdicts if verdict.settlement.rows]
        with self._warehouse.faults("insert"):
            for table in self._target.tables:
                name = table.name
                rows = [row for record in records if name in record for row in record[name]]
                if rows:
                    self._obey()
                    self._loader.insert(connection, table.table, rows)

    def _insert_or_halve(self, connection: sa.Connection, verdicts: Sequence[Verdict]) -> None:
        if not verdicts:
            return
        fault = self._try_insert(connection, verdicts)
        if fault is None:
            return
        if len(verdicts) == 1:
            verdicts[0].reject(f"constraint.{fault.constraint}", f"the database refused its rows: {fault.label}")
            return
        middle = len(verdicts) // 2
        self._insert_or_halve(connection, verdicts[:middle])
        self._insert_or_halve(connection, verdicts[middle:])

    def _try_insert(self, connection: sa.Connection, verdicts: Sequence[Verdict]) -> Fault | None:
        savepoint = connection.begin_nested()
        try:
            self._insert(connection, verdicts)
        except ConstraintViolated as refused:
            self._go_back(savepoint, refused.fault)
            return refused.fault
        savepoint.commit()
        return None

    def _go_back(self, savepoint: sa.NestedTransaction, fault: Fault) -> None:
        try:
            with self._warehouse.faults("go back before the refused rows"):
                savepoint.rollback()
        except FatalError:
            message = f"target {self._target.name}: {fault.label} ended the whole transaction, not its statement alone"
            raise FatalError(f"{message}, so its record cannot be told apart: does a trigger roll back?") from None
