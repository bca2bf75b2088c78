"""The time of the database: one for all hosts that share it, however wrong their own clocks are."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import sqlalchemy as sa

from include.warehouse.loaders.loader import Loader


class DatabaseClock:
    """Asks the database now and then, and goes by this host's steady clock between. For one thread."""

    def __init__(self, loader: Loader, look_s: float) -> None:
        """The database is asked no more often than every `look_s` seconds."""
        self._loader = loader
        self._look_s = look_s
        self._looked: tuple[datetime, float] | None = None

    def now(self, connection: sa.Connection) -> datetime:
        """Naive, in UTC."""
        if self._looked is not None:
            told, since = self._looked
            if (passed_s := time.monotonic() - since) < self._look_s:
                return told + timedelta(seconds=passed_s)
        told = self._loader.utc_now(connection)
        self._looked = told, time.monotonic()
        return told
