from __future__ import annotations

import sqlite3
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from include.pipelines.csv.answers.leases import LeaseBook
from include.pipelines.csv.answers.tables import leases
from include.warehouse.clock import utc_now
from include.warehouse.connection import Warehouse
from include.warehouse.schema import ensure_tables

LEASE_S = 30.0
AHEAD = timedelta(hours=1)


@pytest.fixture
def ahead(warehouse: Warehouse) -> Warehouse:
    """Its database's clock is an hour ahead of this host's."""

    @sa.event.listens_for(warehouse.engine, "connect")
    def change_clock(connection: sqlite3.Connection, _: object) -> None:
        connection.create_function("strftime", -1, lambda *_: (utc_now() + AHEAD).isoformat(" ", "milliseconds"))

    ensure_tables(warehouse, [leases])
    return warehouse


def take(warehouse: Warehouse, owner: str) -> dict[str, float]:
    book = LeaseBook(warehouse, owner, LEASE_S)
    return warehouse.transact("take", lambda connection: book.take(connection, ["d"]), write=True)


def expires_at(warehouse: Warehouse) -> Any:
    return warehouse.transact("read", lambda c: c.scalar(sa.select(leases.c.expires_at)), write=False)


def test_leases_last_and_expire_by_the_databases_clock_whatever_a_hosts_own_says(ahead: Warehouse) -> None:
    before = utc_now()
    assert take(ahead, "one") == {}
    lasts = timedelta(seconds=LEASE_S - 1)
    assert expires_at(ahead) > before + AHEAD + lasts
    assert LEASE_S - 20 < take(ahead, "two")["d"] <= LEASE_S

    ended = leases.update().values(expires_at=utc_now() + AHEAD / 2)
    ahead.transact("end", lambda c: c.execute(ended).rowcount)
    assert take(ahead, "two") == {}


def test_a_renewed_lease_lasts_by_the_databases_clock(ahead: Warehouse) -> None:
    take(ahead, "one")
    book = LeaseBook(ahead, "one", 10 * LEASE_S)
    ahead.transact("renew", lambda connection: book.renew(connection, ["d"]), write=True)
    assert expires_at(ahead) > utc_now() + AHEAD + timedelta(seconds=5 * LEASE_S)
