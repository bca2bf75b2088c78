"""Tasks of the csv pipeline in processes of their own: killed and tried again, and measured for memory."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from include.sandbox.web_apis import WebApis
from include.sandbox.web_apis_behaviour import Behaviour
from include.sandbox.web_apis_calls import Call
from tests.fixtures.airflow_server import ROOT, wait_for
from tests.fixtures.tables import assert_every_record_settled_once, one
from tests.include.pipelines.csv.house import lead, write_rows

ROWS, DURABLE_S, PATIENT_S = 150, 1.0, 120.0  # to become durable takes 20 ms, and on a busy machine 50 times that
MORE_BYTES = 40 * 1024 * 1024
MORE_PAID_BYTES = 24 * 1024 * 1024
ROWS_A_DOMAIN = 4


def write_inbox(folder: Path, rows: int, rows_a_domain: int = 1) -> None:
    (folder / "inbox").mkdir()
    leads = ([lead(number)[0], lead(number // rows_a_domain)[1]] for number in range(rows))
    write_rows(folder / "inbox" / "leads.csv", list(leads))


def start(folder: Path, origin: str, owner: str, *ways: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.fixtures.csv_task", str(folder), origin, owner, *ways]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def finished(process: subprocess.Popen[str]) -> dict[str, Any]:
    try:
        out, _ = process.communicate(timeout=PATIENT_S)
    finally:
        process.kill()
    assert process.returncode == 0
    found: dict[str, Any] = json.loads(out)
    return found


def until_answered(apis: WebApis, process: subprocess.Popen[str], count: int) -> None:
    """So many calls, of which one is the process's own: calls of the one before it may end after that was killed."""
    began = time.time()

    def is_so_far() -> bool:
        assert process.poll() is None
        calls = apis.log.calls()
        return sum(call.status == 200 for call in calls) >= count and any(call.arrived > began for call in calls)

    wait_for(is_so_far, PATIENT_S, f"{count} calls are answered", every_s=0.01)


def open_or_fresh(calls: Sequence[Call], killed: float) -> Counter[tuple[str, str]]:
    """Calls that were open at the kill, or answered too shortly before it to be durable."""
    before = [call for call in calls if call.arrived <= killed]
    return Counter(
        (call.api, call.content) for call in before if not call.answered or call.answered > killed - DURABLE_S
    )


def test_after_five_kills_no_call_is_made_again_but_those_open_or_of_the_last_moment(tmp_path: Path) -> None:
    write_inbox(tmp_path, ROWS)
    moments = sorted(random.Random(7).sample(range(20, 2 * ROWS - 40), 5))
    allowed: Counter[tuple[str, str]] = Counter()
    with WebApis(Behaviour(latency_s=0.1, spread=0.5), Behaviour(latency_s=0.2, spread=0.5)) as apis:
        for number, moment in enumerate(moments):
            victim = start(tmp_path, apis.origin, f"owner {number}")
            try:
                until_answered(apis, victim, moment)
            finally:
                victim.kill()
                killed = time.time()
            assert victim.wait() == -9
            assert victim.stdout is not None
            victim.stdout.close()
            allowed += open_or_fresh(apis.log.calls(), killed)
        line = finished(start(tmp_path, apis.origin, "owner last"))["line"]

    paid = Counter({(call.api, call.content): 0 for call in apis.log.calls()})
    paid.update((call.api, call.content) for call in apis.log.calls() if call.paid)
    assert len(paid) == 2 * ROWS
    assert {call: count - 1 for call, count in paid.items() if count - 1 > allowed[call]} == {}
    assert (line["state"], line["attempts"], line["records_settled"]) == ("succeeded", 6, ROWS)
    assert_every_record_settled_once(tmp_path / "warehouse.db", "csv_enrichment", ROWS)
    assert one(tmp_path / "warehouse.db", "SELECT count(*) FROM enriched_rows WHERE email_body <> ''") == ROWS


@pytest.fixture(scope="module")
def usual_peak_bytes(tmp_path_factory: pytest.TempPathFactory) -> int:
    """Of a thousand rows."""
    return peak(tmp_path_factory.mktemp("usual"), 1_000)


def peak(folder: Path, rows: int) -> int:
    write_inbox(folder, rows)
    found = finished(start(folder, "-", "owner"))
    assert found["line"]["records_written"] == rows
    (made,) = (folder / "out").iterdir()
    with made.open() as lines:
        assert sum(1 for _ in lines) == rows + 1
    for file in (made, *folder.glob("warehouse.db*")):
        file.unlink()
    return int(found["peak"])


def test_memory_is_flat_from_a_thousand_rows_to_200_000(tmp_path: Path, usual_peak_bytes: int) -> None:
    assert peak(tmp_path, 200_000) < usual_peak_bytes + MORE_BYTES


def paid_peak(folder: Path, rows: int) -> int:
    """Of a task that pays for a search for every four rows, and has 20 rows written in one request."""
    write_inbox(folder, rows, ROWS_A_DOMAIN)
    with WebApis() as apis:
        found = finished(start(folder, apis.origin, "owner", "many"))
        searches, requests = (len(apis.log.calls(api)) for api in ("search", "model"))
    assert found["line"]["records_written"] == rows
    assert (searches, requests >= rows / 20) == (rows / ROWS_A_DOMAIN, True)
    return int(found["peak"])


def test_memory_is_flat_too_where_each_row_is_paid_for_and_its_answers_are_kept(tmp_path: Path) -> None:
    folders = [tmp_path / "usual", tmp_path / "large"]
    for folder in folders:
        folder.mkdir()
    usual, large = (paid_peak(folder, rows) for folder, rows in zip(folders, (1_000, 20_000), strict=True))
    assert large < usual + MORE_PAID_BYTES
