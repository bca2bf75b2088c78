from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from include.pipelines.csv.answers import pruning
from include.pipelines.csv.answers.pruning import Pruned, prune
from include.pipelines.csv.answers.tables import answers, leases
from include.warehouse.clock import utc_now
from include.warehouse.connection import Warehouse
from include.warehouse.schema import ensure_tables

MONTH = timedelta(days=30)


def fill(warehouse: Warehouse, ages: dict[str, tuple[str, timedelta]], expired: dict[str, timedelta]) -> None:
    ensure_tables(warehouse, [answers, leases])
    now = utc_now()
    paid = [
        {"digest": digest, "endpoint": name, "value": "x", "tokens": 0, "paid_at": now - age}
        for digest, (name, age) in ages.items()
    ]
    lent = [{"digest": digest, "owner": "o", "expires_at": now - age} for digest, age in expired.items()]
    for table, lines in ((answers, paid), (leases, lent)):
        for line in lines:
            warehouse.transact("fill", lambda c, t=table, one=line: c.execute(t.insert().values(one)).rowcount)


def left(warehouse: Warehouse, table: sa.Table) -> set[str]:
    return set(warehouse.transact("read", lambda c: list(c.scalars(sa.select(table.c.digest))), write=False))


def test_answers_that_are_too_old_to_be_used_again_go_and_so_do_leases_of_dead_tasks(any_warehouse: Warehouse) -> None:
    ages = {
        "old": ("search", MONTH + timedelta(hours=1)),
        "young": ("search", MONTH - timedelta(hours=1)),
        "brief": ("model:small", timedelta(days=3)),
        "counted": ("model", timedelta(days=1)),
        "not ours": ("modeller", 10 * MONTH),
    }
    fill(any_warehouse, ages, {"dead": timedelta(days=2), "late": timedelta(minutes=5), "alive": -timedelta(seconds=9)})
    assert prune(any_warehouse, {"search": MONTH, "model": timedelta(0)}) == Pruned(2, 1)
    assert left(any_warehouse, answers) == {"young", "counted", "not ours"}
    assert left(any_warehouse, leases) == {"late", "alive"}
    assert prune(any_warehouse, {}) == Pruned(0, 0)


def test_one_run_deletes_no_more_than_a_bounded_number(
    any_warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "GROUP", 3)
    monkeypatch.setattr(pruning, "MOST", 6)
    fill(any_warehouse, {f"d{number}": ("search", 2 * MONTH) for number in range(8)}, {})
    assert [prune(any_warehouse, {"search": MONTH}).answers for _ in range(3)] == [6, 2, 0]
