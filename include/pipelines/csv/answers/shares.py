"""Who works with which share of a quota, and what of it was used: a task goes on where another has ended."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from include.engine.errors import HeadraceError
from include.pipelines.csv.answers.tables import shares
from include.pipelines.csv.quota.gate import Gate
from include.warehouse.connection import Warehouse
from include.warehouse.loaders.choose import loader_for
from include.warehouse.loaders.loader import Loader

log = logging.getLogger(__name__)

KEEP_S = 1.0
"""What was used is written this often, and at the end: of a task that is killed, so much may be unknown."""
SILENT_S = 15.0
"""A task that has written nothing for so long was killed: its share may be taken."""
PATIENCE_S = 5.0
"""The warehouse is waited for no longer than this to write it: the next time comes soon, and after `SILENT_S` the share
is free in any case."""
NOBODY = ""

Used = Mapping[str, Sequence[tuple[float, int]]]
"""By kind and window, such as `requests 60.0`: how many seconds ago, and amounts."""


class QuotaShares:
    """The shares of one task: one of each service with a quota, of as many as tasks may work at the same time.

    One that nobody works with is taken, else that whose owner has been silent longest, and longer than `SILENT_S`: it
    was killed. Where living tasks have them all, more tasks work than the quota is divided by. Times are the
    database's.
    """

    def __init__(self, warehouse: Warehouse, owner: str, *, stop: threading.Event) -> None:
        """`stop` ends all waits for a share."""
        self._lasting = warehouse
        self._warehouse = warehouse.obeying(stop)
        self._owner = owner
        self._lock = threading.Lock()
        self._mine: dict[str, tuple[int, Gate]] = {}
        """By service: the number of its share, and the door that counts."""
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="headrace-quota-shares", daemon=True)

    def has_share(self, gate: Gate) -> bool:
        """Whether there is one to take now. Raises `TransientError`, `BatchStopped`."""
        return self._warehouse.transact(
            "look for a share of a quota",
            lambda connection: self._free(connection, gate, loader_for(self._warehouse)) is not None,
            write=False,
        )

    def inherit(self, gate: Gate) -> Used | None:
        """Take a share for this door, before any call goes through it; what was used of the share before.

        None where living tasks have them all. Raises `TransientError`, `BatchStopped`.
        """
        taken = self._warehouse.transact("take a share of a quota", lambda c: self._take(c, gate), write=True)
        if taken is None:
            return None
        number, used = taken
        with self._lock:
            if self._thread.ident is None:
                self._thread.start()
            self._mine[gate.settings.counted_as] = (number, gate)
        return used

    def close(self) -> None:
        """Write what was used last, and leave the shares to others. Safe to call twice."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join(2 * PATIENCE_S)

    def _run(self) -> None:
        while not self._closed.wait(KEEP_S):
            self._keep(self._owner)
        self._keep(NOBODY)

    def _keep(self, owner: str) -> None:
        with self._lock:
            mine = dict(self._mine)
        try:
            # Also of calls that were under way when the batch was told to stop.
            self._lasting.transact(
                "keep what was used of quotas", lambda c: self._write(c, mine, owner), patience_s=PATIENCE_S
            )
        except HeadraceError as error:  # of this time: calls go on, and the next time may find the warehouse well
            log.warning("what was used of quotas is not written: %s", error)

    def _write(self, connection: sa.Connection, mine: Mapping[str, tuple[int, Gate]], owner: str) -> None:
        now = self._locked(connection).utc_now(connection)
        for endpoint, (number, gate) in mine.items():
            ours = _share(endpoint, number) & (shares.c.owner == self._owner)
            line = {"owner": owner, "seen_at": now, "used": _written(gate, now)}
            if not connection.execute(shares.update().where(ours).values(line)).rowcount:
                log.warning("%s: this task was silent for so long that another took its share of the quotas", endpoint)
                with self._lock:
                    self._mine.pop(endpoint, None)

    def _take(self, connection: sa.Connection, gate: Gate) -> tuple[int, Used] | None:
        loader, endpoint = self._locked(connection), gate.settings.counted_as
        free = self._free(connection, gate, loader)
        if free is None:
            return None
        number, line = free
        now = loader.utc_now(connection)
        seen = {"owner": self._owner, "seen_at": now}
        if line is not None:
            connection.execute(shares.update().where(_share(endpoint, number)).values(seen))
            return number, _read(line.used, now)
        connection.execute(shares.insert().values(endpoint=endpoint, number=number, used="{}", **seen))
        return number, {}

    def _free(self, connection: sa.Connection, gate: Gate, loader: Loader) -> tuple[int, sa.Row[Any] | None] | None:
        tasks = gate.settings.tasks
        query = sa.select(shares).where((shares.c.endpoint == gate.settings.counted_as) & (shares.c.number < tasks))
        lines = {line.number: line for line in connection.execute(query)}
        number = min(range(tasks), key=lambda each: self._rank(lines.get(each)))
        line = lines.get(number)
        if line is not None and line.owner not in (self._owner, NOBODY):
            silent_since = loader.utc_now(connection) - timedelta(seconds=SILENT_S)
            if line.seen_at > silent_since:
                return None
        return number, line

    def _rank(self, line: sa.Row[Any] | None) -> tuple[int, float]:
        """Ours first (a commit whose answer was lost), then never used, then free, then the longest silent."""
        if line is None:
            return 1, 0.0
        kind = 0 if line.owner == self._owner else 2 if line.owner == NOBODY else 3
        return kind, _seconds(line.seen_at)

    def _locked(self, connection: sa.Connection) -> Loader:
        loader = loader_for(self._warehouse)
        loader.lock_target(connection, "csv", "quota shares")
        return loader


def _share(endpoint: str, number: int) -> sa.ColumnElement[bool]:
    return (shares.c.endpoint == endpoint) & (shares.c.number == number)


def _seconds(moment: datetime) -> float:
    return moment.replace(tzinfo=UTC).timestamp()


def _written(gate: Gate, now: datetime) -> str:
    moment = _seconds(now)
    return json.dumps(
        {
            f"{kind} {window_s}": [(round(moment - ago_s, 3), amount) for ago_s, amount in used]
            for (kind, window_s), used in gate.used().items()
        }
    )


def _read(used: str, now: datetime) -> Used:
    moment = _seconds(now)
    return {place: [(moment - then, amount) for then, amount in entries] for place, entries in json.loads(used).items()}
