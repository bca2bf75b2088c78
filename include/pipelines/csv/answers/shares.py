"""Who works with which share of a quota, and what of it was used: a task goes on where another has ended."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from include.engine.errors import HeadraceError
from include.pipelines.csv.answers.tables import shares
from include.pipelines.csv.quota.gate import Gate
from include.warehouse.clock import utc_now
from include.warehouse.connection import Warehouse
from include.warehouse.loaders.choose import loader_for

log = logging.getLogger(__name__)

KEEP_S = 1.0
"""What was used is written this often, and at the end: of a task that is killed, so much may be unknown."""
CLOSE_S = 35.0
NOBODY = ""

Used = Mapping[str, Sequence[tuple[float, int]]]
"""By kind and window, such as `requests 60.0`: moments in seconds since 1970, and amounts."""


class QuotaShares:
    """The shares of one task: one of each service with a quota, of as many as tasks may work at the same time.

    One that nobody works with is taken, else that whose owner has been silent longest: it was killed, or more tasks
    work than the quota is divided by.
    """

    def __init__(self, warehouse: Warehouse, owner: str) -> None:
        self._warehouse = warehouse
        self._owner = owner
        self._lock = threading.Lock()
        self._mine: dict[str, tuple[int, Gate]] = {}
        """By service: the number of its share, and the door that counts."""
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="headrace-quota-shares", daemon=True)

    def inherit(self, gate: Gate) -> Used:
        """Take a share for this door, before any call goes through it; what was used of the share before.

        Raises `TransientError`.
        """
        endpoint, tasks = gate.settings.name, gate.settings.tasks
        number, used = self._warehouse.transact(
            "take a share of a quota", lambda connection: self._take(connection, endpoint, tasks), write=True
        )
        with self._lock:
            if not self._mine:
                self._thread.start()
            self._mine[endpoint] = (number, gate)
        return used

    def close(self) -> None:
        """Write what was used last, and leave the shares to others. Safe to call twice."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join(CLOSE_S)

    def _run(self) -> None:
        while not self._closed.wait(KEEP_S):
            self._keep(self._owner)
        self._keep(NOBODY)

    def _keep(self, owner: str) -> None:
        with self._lock:
            mine = dict(self._mine)
        try:
            self._warehouse.transact("keep what was used of quotas", lambda c: self._write(c, mine, owner), write=True)
        except HeadraceError as error:  # of this time: calls go on, and the next time may find the warehouse well
            log.warning("what was used of quotas is not written: %s", error)

    def _write(self, connection: sa.Connection, mine: Mapping[str, tuple[int, Gate]], owner: str) -> None:
        self._lock_shares(connection)
        now = utc_now()
        for endpoint, (number, gate) in mine.items():
            ours = _share(endpoint, number) & (shares.c.owner == self._owner)
            line = {"owner": owner, "seen_at": now, "used": _written(gate, now)}
            connection.execute(shares.update().where(ours).values(line))

    def _take(self, connection: sa.Connection, endpoint: str, tasks: int) -> tuple[int, Used]:
        self._lock_shares(connection)
        query = sa.select(shares).where((shares.c.endpoint == endpoint) & (shares.c.number < tasks))
        lines = {line.number: line for line in connection.execute(query)}
        number = min(range(tasks), key=lambda each: self._rank(lines.get(each)))
        seen = {"owner": self._owner, "seen_at": utc_now()}
        if number in lines:
            connection.execute(shares.update().where(_share(endpoint, number)).values(seen))
            return number, json.loads(lines[number].used)
        connection.execute(shares.insert().values(endpoint=endpoint, number=number, used="{}", **seen))
        return number, {}

    def _rank(self, line: sa.Row[Any] | None) -> tuple[int, float]:
        """Ours first (a commit whose answer was lost), then never used, then free, then the longest silent."""
        if line is None:
            return 1, 0.0
        kind = 0 if line.owner == self._owner else 2 if line.owner == NOBODY else 3
        return kind, line.seen_at.replace(tzinfo=UTC).timestamp()

    def _lock_shares(self, connection: sa.Connection) -> None:
        loader_for(self._warehouse).lock_target(connection, "csv", "quota shares")


def _share(endpoint: str, number: int) -> sa.ColumnElement[bool]:
    return (shares.c.endpoint == endpoint) & (shares.c.number == number)


def _written(gate: Gate, now: datetime) -> str:
    moment = now.replace(tzinfo=UTC).timestamp()
    return json.dumps(
        {
            f"{kind} {window_s}": [(round(moment - ago_s, 3), amount) for ago_s, amount in used]
            for (kind, window_s), used in gate.used().items()
        }
    )
