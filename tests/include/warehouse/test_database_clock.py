from __future__ import annotations

from datetime import timedelta

import pytest

from include.warehouse.clock import utc_now
from include.warehouse.connection import Warehouse
from include.warehouse.database_clock import DatabaseClock
from include.warehouse.loaders.choose import loader_for

CLOSE = timedelta(seconds=20)
"""Of the clocks of a test's host and its database."""


def test_the_database_tells_its_time_in_utc(warehouse: Warehouse) -> None:
    told = warehouse.transact("look", loader_for(warehouse).utc_now, write=False)
    assert told.tzinfo is None
    assert abs(told - utc_now()) < CLOSE


@pytest.mark.parametrize(("look_s", "looks"), [(3600.0, 1), (0.0, 3)])
def test_the_database_is_asked_now_and_then_and_time_goes_on_between(
    warehouse: Warehouse, look_s: float, looks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    loader, asked = loader_for(warehouse), []
    real = loader.utc_now
    monkeypatch.setattr(loader, "utc_now", lambda connection: asked.append(1) or real(connection))
    clock = DatabaseClock(loader, look_s)
    told = [warehouse.transact("look", clock.now, write=False) for _ in range(3)]
    assert told == sorted(told)
    assert abs(told[-1] - utc_now()) < CLOSE
    assert len(asked) == looks
