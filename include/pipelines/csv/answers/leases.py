"""Who asks a service for what, written where all tasks see it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from include.pipelines.csv.answers.tables import leases
from include.warehouse.connection import Warehouse
from include.warehouse.database_clock import DatabaseClock
from include.warehouse.encoders import wire_timestamp
from include.warehouse.loaders.choose import loader_for

MOST_TOGETHER = 500
"""Digests of one statement: SQL Server takes 2,100 parameters."""


# Composed once: many groups of questions a second pay more for that than for the database's work.
_DIGESTS = leases.c.digest.in_(sa.bindparam("digests", expanding=True))
_OF_OTHERS = sa.select(leases.c.digest, leases.c.expires_at).where(
    _DIGESTS & (leases.c.owner != sa.bindparam("mine")) & (leases.c.expires_at > sa.bindparam("now"))
)
_OURS = _DIGESTS & (leases.c.owner == sa.bindparam("mine"))
_RENEWED = leases.update().where(_OURS).values(expires_at=sa.bindparam("until"))
RELEASED = leases.delete().where(_OURS)
"""With `digests`, at most `MOST_TOGETHER`, and the owner, `mine`. After the lock of the answers."""


class LeaseBook:
    """The leases of one owner, within the caller's transactions. For one thread.

    Leases go by the database's time: hosts' own clocks may differ by more than a lease lasts.
    Every change is made under the lock of the answers, as the writing of answers is: none of them can deadlock.
    """

    def __init__(self, warehouse: Warehouse, owner: str, lease_s: float) -> None:
        self._dialect = warehouse.name
        self._owner = owner
        self._lease_s = lease_s
        self._loader = loader_for(warehouse)
        self._clock = DatabaseClock(self._loader, lease_s / 3)

    def lock(self, connection: sa.Connection) -> None:
        """Before a change, until the transaction ends."""
        self._loader.lock_target(connection, "csv", "answers")

    def take(self, connection: sa.Connection, digests: Sequence[str]) -> dict[str, float]:
        """Take what is free, or has expired; of the others, the seconds that their leases last. After `lock`."""
        if not digests:
            return {}
        now = self._clock.now(connection)
        told = {"digests": digests, "mine": self._owner, "now": now}
        held = {line.digest: line.expires_at for line in connection.execute(_OF_OTHERS, told)}
        expires_at = wire_timestamp(now + timedelta(seconds=self._lease_s), self._dialect)
        if free := sorted(set(digests) - held.keys()):
            self._loader.upsert(connection, leases, [(digest, self._owner, expires_at) for digest in free])
        return {digest: (until - now).total_seconds() for digest, until in held.items()}

    def release(self, connection: sa.Connection, digests: Sequence[str]) -> None:
        """Those that are still ours."""
        self.lock(connection)
        for told in self._ours(digests):
            connection.execute(RELEASED, told)

    def renew(self, connection: sa.Connection, digests: Sequence[str]) -> None:
        """Those that are still ours, whether or not they have expired."""
        self.lock(connection)
        until = self._clock.now(connection) + timedelta(seconds=self._lease_s)
        for told in self._ours(digests):
            connection.execute(_RENEWED, told | {"until": until})

    def _ours(self, digests: Sequence[str]) -> Iterator[dict[str, Any]]:
        for start in range(0, len(digests), MOST_TOGETHER):
            yield {"digests": digests[start : start + MOST_TOGETHER], "mine": self._owner}
