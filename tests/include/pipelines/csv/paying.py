"""Paid calls to the sandbox, as tests make them; as a command, a task that pays until it is killed."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from include.connections.http.clock import Clock
from include.connections.http.pool import HttpPool, PoolSettings
from include.engine.retry import RetryPolicy
from include.pipelines.csv.answers.store import AnswerStore, StoreSettings
from include.pipelines.csv.calls.paid_calls import QUOTA_WAIT_S, PaidCalls
from include.pipelines.csv.calls.service import Service
from include.pipelines.csv.quota.settings import EndpointSettings
from include.pipelines.csv.row import Row
from include.pipelines.csv.steps.research import ResearchClient
from include.sandbox.web_apis import API_KEY
from include.warehouse.connection import Warehouse, sqlite_warehouse

QUICK = RetryPolicy(tries=8, initial_s=0.01, max_wait_s=0.1, total_s=60.0, max_asked_s=5.0)
DEADLINE_S = 60.0
THREADS = 20
RESEARCH = ResearchClient(fields=["domain"])


def services(origin: str, *, timeout_s: float = 30.0, retry: RetryPolicy = QUICK, **settings: Any) -> list[Service]:
    """Both services of the sandbox; `settings` are of the endpoints."""
    keys: Mapping[str, dict[str, str]] = {
        "search": {"X-API-KEY": API_KEY},
        "model": {"Authorization": f"Bearer {API_KEY}"},
    }
    return [
        Service(
            settings=EndpointSettings.model_validate({"name": name, "concurrency": 400, **settings}),
            base_url=origin,
            headers=headers,
            timeout_s=timeout_s,
            retry=retry,
        )
        for name, headers in keys.items()
    ]


@cache
def shared_pool() -> HttpPool:
    """One for all tests: reading the system's authorities takes longer than most of them."""
    return HttpPool(PoolSettings(connections=400))


@contextmanager
def paid_calls(
    warehouse: Warehouse,
    offered: list[Service],
    owner: str = "one",
    *,
    stop: threading.Event | None = None,
    paid_after: datetime | None = None,
    quota_wait_s: float = QUOTA_WAIT_S,
    **store: Any,
) -> Iterator[PaidCalls]:
    """A task's."""
    stop = stop or threading.Event()
    with AnswerStore(warehouse, owner, StoreSettings(**store), stop=stop) as kept:
        yield PaidCalls(offered, kept, shared_pool(), Clock(stop), paid_after=paid_after, quota_wait_s=quota_wait_s)


def research(calls: PaidCalls, domain: str, deadline_s: float = DEADLINE_S) -> str:
    """The notes of one row."""
    fields = {"domain": domain}
    return RESEARCH.run(Row(1, fields), fields, calls.for_row(deadline_s))["research_summary"]


def main(path: str, origin: str, owner: str, rows: int) -> None:
    with (
        paid_calls(sqlite_warehouse(Path(path)), services(origin), owner, lease_s=2.0) as calls,
        ThreadPoolExecutor(THREADS) as pool,
    ):
        list(pool.map(lambda number: research(calls, f"c{number}.example"), range(rows)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
