"""Deletes what no run will use again: a bounded number at a time, so that no run pays for years of others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from include.pipelines.csv.answers.tables import answers, leases
from include.warehouse.clock import utc_now
from include.warehouse.connection import Warehouse
from include.warehouse.loaders.choose import loader_for
from include.warehouse.schema import ensure_tables

MOST = 10_000
"""Lines of each table that one run deletes."""
GROUP = 500
"""Of one transaction, for which the answers of other tasks wait; SQL Server takes 2,100 parameters."""
COUNTED = timedelta(days=2)
"""Younger answers stay, however short their life: quotas of a day count them."""
DEAD = timedelta(days=1)
"""A lease that ended so long ago has no owner any more."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many lines were deleted."""

    answers: int
    leases: int


def prune(warehouse: Warehouse, ttls: Mapping[str, timedelta]) -> Pruned:
    """Delete answers that are older than the time to live of their service, by its name, and leases of dead tasks.

    Of all models of a service; answers of services that are not named stay. Raises `TransientError`.
    """
    ensure_tables(warehouse, [answers, leases])
    now = utc_now()
    # What stands behind the name and a colon sorts before the name and a semicolon, the character after it.
    expired = [
        ((answers.c.endpoint == name) | (answers.c.endpoint >= f"{name}:") & (answers.c.endpoint < f"{name};"))
        & (answers.c.paid_at < now - max(ttl, COUNTED))
        for name, ttl in ttls.items()
    ]
    dead = leases.c.expires_at < now - DEAD
    return Pruned(_delete(warehouse, answers, sa.or_(sa.false(), *expired)), _delete(warehouse, leases, dead))


def _delete(warehouse: Warehouse, table: sa.Table, condition: sa.ColumnElement[bool]) -> int:
    loader = loader_for(warehouse)
    some = sa.select(table.c.digest).where(condition).limit(GROUP)

    def work(connection: sa.Connection) -> int:
        loader.lock_target(connection, "csv", "answers")
        digests = list(connection.scalars(some))
        if digests:
            connection.execute(table.delete().where(table.c.digest.in_(digests)))
        return len(digests)

    deleted = 0
    while deleted < MOST:
        group = warehouse.transact("prune paid answers", work, write=True)
        deleted += group
        if group < GROUP:
            break
    return deleted
