from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from include.sandbox.web_apis import WebApis
from include.sandbox.web_apis_behaviour import Behaviour, Draws
from tests.fixtures.airflow_server import wait_for
from tests.fixtures.tables import rows
from tests.include.pipelines.csv.paying import RESEARCH, THREADS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[5]
ROWS, PATIENT_S = 150, 60.0


def start(warehouse: Path, apis: WebApis, owner: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.include.pipelines.csv.paying"]
    return subprocess.Popen([*command, str(warehouse), apis.origin, owner, str(ROWS)], cwd=ROOT)


def until(found: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    def is_so() -> bool:
        assert process.poll() is None
        return found()

    wait_for(is_so, PATIENT_S, "the task comes so far", every_s=0.01)


def answered(apis: WebApis) -> set[str]:
    return {call.content for call in apis.log.calls() if call.status == 200}


def under_way(apis: WebApis, since: float = 0.0) -> set[str]:
    """Contents of the open calls that came after that moment."""
    return {call.content for call in apis.log.calls() if not call.answered and call.arrived > since}


def durable(warehouse: Path) -> set[str]:
    """Contents of the answers in the store."""
    digests = {RESEARCH.call({"domain": f"c{number}.example"}).digest: f"c{number}.example" for number in range(ROWS)}
    return {digests[digest] for (digest,) in rows(warehouse, "SELECT digest FROM csv_answers")}


def run_again(warehouse: Path, apis: WebApis) -> set[str]:
    """What the task that comes after pays a second time."""
    second = start(warehouse, apis, "second")
    try:
        assert second.wait(PATIENT_S) == 0
    finally:
        second.kill()
    paid = apis.log.paid("search")
    assert set(paid) == {f"c{number}.example" for number in range(ROWS)}
    assert max(paid.values()) <= 2
    return {content for content, count in paid.items() if count > 1}


@pytest.mark.parametrize("seed", range(3))
def test_after_a_kill_at_any_moment_nothing_that_the_store_has_is_paid_again(tmp_path: Path, seed: int) -> None:
    moment = random.Random(seed).randint(20, 100)
    warehouse = tmp_path / "warehouse.sqlite"
    with WebApis(Behaviour(latency_s=0.2, spread=0.5)) as apis:
        first = start(warehouse, apis, "first")
        try:
            until(lambda: len(answered(apis)) >= moment, first)
        finally:
            first.kill()
        assert first.wait() == -9
        kept = durable(warehouse)
        assert kept
        assert run_again(warehouse, apis).isdisjoint(kept)


def test_answers_become_durable_by_themselves_so_that_a_kill_costs_only_the_calls_that_are_open(tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse.sqlite"
    with WebApis(Behaviour(latency_s=0.05)) as apis:
        first = start(warehouse, apis, "first")
        try:
            until(lambda: len(answered(apis)) >= ROWS // 3, first)
            apis.search.draws = Draws(Behaviour(latency_s=10 * PATIENT_S))
            stays_open = time.time()
            until(lambda: len(under_way(apis, stays_open)) == THREADS, first)
            until(lambda: durable(warehouse) == answered(apis), first)
        finally:
            first.kill()
        assert first.wait() == -9
        still_open = under_way(apis)
        apis.search.draws = Draws(Behaviour())
        assert run_again(warehouse, apis) == still_open
