"""Killed, stopped and overtaken attempts under a real scheduler: every record settles once all the same."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from include.engine.model import KeyListRange
from include.sandbox.lending import write_sample
from tests.fixtures.airflow_server import wait_for
from tests.fixtures.clean_run import clean_xml_run, load_all
from tests.fixtures.tables import assert_every_record_settled_once, contents, rows
from tests.fixtures.toy_orders.pipeline import OrderSettings, ToyOrders
from tests.integration.conftest import Site

pytestmark = pytest.mark.scheduler

DOCUMENTS = 300
INSERT_BATCH = 20
KILLS = int(os.environ.get("HEADRACE_TEST_KILLS", "5"))
BOTH = ("child", "supervisor")
KILLED = (
    (("child",), "working"),
    (BOTH, "committing"),
    (("supervisor",), "committing"),
    (("child",), "committing"),
    (("supervisor",), "working"),
    (BOTH, "working"),
)
"""Who is killed, and when: all there is in six kills, the most telling first."""


def ledger_line(site: Site, run_id: str) -> dict[str, Any] | None:
    names = ("state", "records_planned", "records_settled", "records_read", "records_resumed", "attempts", "owner")
    if not site.warehouse.exists():
        return None
    found = rows(
        site.warehouse,
        f"SELECT {', '.join(names)} FROM headrace_batches WHERE run_id = ? AND state != 'superseded'",
        run_id,
    )
    return dict(zip(names, found[0], strict=True)) if found else None


def half_way(line: dict[str, Any] | None) -> bool:
    return line is not None and 0 < line["records_settled"] < line["records_planned"]


def task_process(site: Site, run_id: str, moment: str, not_pid: int = 0) -> tuple[int, int]:
    """(child, supervisor) of the run's load task, while it is at this moment and half way."""

    def look() -> tuple[int, int] | None:
        for mark in site.marks.glob("[0-9]*"):
            parent, now, of_run = mark.read_text().split(" ", 2)
            if of_run == run_id and now == moment and int(mark.name) != not_pid and half_way(ledger_line(site, run_id)):
                return int(mark.name), int(parent)
        return None

    return wait_for(look, 120, f"{run_id} is {moment}, half way", every_s=0.01)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def kill_and_check(site: Site, dag_id: str, kill: int) -> None:
    victims, moment = KILLED[kill % len(KILLED)]
    run_id = site.airflow.trigger(dag_id, {"batch_size": DOCUMENTS, "insert_batch": INSERT_BATCH})
    child, supervisor = task_process(site, run_id, moment)
    assert supervisor > 1
    for victim in victims:
        os.kill(child if victim == "child" else supervisor, signal.SIGKILL)
    # A child whose supervisor is dead may go on until the next attempt takes its batch away.
    at_kill = ledger_line(site, run_id)
    assert at_kill is not None
    assert half_way(at_kill), f"{victims} {moment}: {at_kill}"

    run = site.airflow.finished(dag_id, run_id)

    line = ledger_line(site, run_id)
    assert run["state"] == "success", f"{victims} {moment}: {line} {site.airflow.tasks(dag_id, run_id)}"
    assert line is not None
    assert line["state"] == "succeeded"
    assert line["records_read"] == line["records_settled"] == line["records_planned"] == DOCUMENTS
    if "child" in victims:
        assert line["attempts"] == 2, f"{victims} {moment}: the retry resumed"
        assert line["records_resumed"] == at_kill["records_settled"]
    wait_for(lambda: not is_running(child), 30, "nothing of the killed attempt is left")


def test_a_killed_attempt_is_resumed_and_every_document_settles_once(fresh: Site, tmp_path: Path) -> None:
    write_sample(fresh.source, DOCUMENTS, size_bytes=4000, broken_share=0.02)
    fresh.airflow.unpause("slow_xml")
    clean = clean_xml_run(fresh.source, tmp_path / "clean.db")

    for kill in range(KILLS):
        kill_and_check(fresh, "slow_xml", kill)

        assert contents(fresh.warehouse) == clean
        assert_every_record_settled_once(fresh.warehouse, "xml_records", DOCUMENTS)


def write_orders(path: Path, count: int, days: int = 1) -> None:
    with path.open("w") as stream:
        for number in range(count):
            items = [{"sku": f"sku-{line}", "amount": f"{number}.{line}0"} for line in range(number % 10)]
            order = {"id": f"order-{number:05d}", "day": f"2026-01-{11 + number % days:02d}", "lines": items}
            stream.write(json.dumps(order) + "\n" if number % 50 else "{broken\n")


def clean_toy_run(site: Site, warehouse: Path) -> dict[str, list[tuple[Any, ...]]]:
    def no_list(_: KeyListRange) -> set[str]:
        raise AssertionError("a clean run reads lines")

    load_all(ToyOrders(OrderSettings(file=str(site.orders)), None, no_list), warehouse)
    return contents(warehouse)


def test_the_fifth_pipeline_bears_kills_too(fresh: Site, tmp_path: Path) -> None:
    write_orders(fresh.orders, DOCUMENTS)
    fresh.airflow.unpause("slow_toy")
    clean = clean_toy_run(fresh, tmp_path / "clean.db")
    assert clean["toy_order_lines"]

    for kill in range(2):
        kill_and_check(fresh, "slow_toy", kill)

        assert contents(fresh.warehouse) == clean
        assert_every_record_settled_once(fresh.warehouse, "toy_orders", DOCUMENTS)


def test_the_fifth_pipeline_bears_a_backfill_and_its_reprocess(fresh: Site, tmp_path: Path) -> None:
    write_orders(fresh.orders, DOCUMENTS, days=3)
    fresh.airflow.unpause("toy_orders")
    clean = clean_toy_run(fresh, tmp_path / "clean.db")

    for reprocess in ("none", "completed"):
        fresh.airflow.backfill("toy_orders", "2026-01-10T00:00:00Z", "2026-01-14T23:00:00Z", reprocess=reprocess)

        assert {run["state"] for run in fresh.airflow.backfill_runs("toy_orders")} == {"success"}
        assert contents(fresh.warehouse) == clean


def snapshot(site: Site) -> list[Any]:
    house = ("headrace_records", "headrace_rejects", "headrace_batches", "headrace_runs")
    return [
        contents(site.warehouse),
        *(rows(site.warehouse, f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in house),
    ]


def test_an_attempt_that_slept_and_was_overtaken_writes_nothing_when_it_wakes(fresh: Site) -> None:
    write_sample(fresh.source, DOCUMENTS, size_bytes=4000, broken_share=0.02)
    fresh.airflow.unpause("slow_xml")
    run_id = fresh.airflow.trigger("slow_xml", {"batch_size": DOCUMENTS, "insert_batch": INSERT_BATCH})
    child, supervisor = task_process(fresh, run_id, "working")
    for pid in (supervisor, child):
        os.kill(pid, signal.SIGSTOP)
    try:
        assert half_way(ledger_line(fresh, run_id))
        wait_for(lambda: (ledger_line(fresh, run_id) or {})["state"] == "succeeded", 120, "the next attempt is done")
        assert fresh.airflow.finished("slow_xml", run_id)["state"] == "success"
        before = snapshot(fresh)
        # Alone: its supervisor, which learns that it was given up, would kill it before its next commit.
        os.kill(child, signal.SIGCONT)
        mark = fresh.marks / str(child)
        wait_for(lambda: mark.read_text().split(" ", 2)[1] == "rolled_back", 60, "its next commit is rolled back")
    finally:
        for pid in (child, supervisor):
            os.kill(pid, signal.SIGCONT)

    wait_for(lambda: not is_running(child), 60, "the overtaken attempt ends")

    def told() -> bool:
        return "AttemptSuperseded" in fresh.airflow.task_log("slow_xml", run_id, "load", map_index=0)

    wait_for(told, 30, "its log says why")
    assert snapshot(fresh) == before
    assert_every_record_settled_once(fresh.warehouse, "xml_records", DOCUMENTS)


def test_a_task_marked_as_failed_stops_within_seconds_and_leaves_its_counts(fresh: Site) -> None:
    write_sample(fresh.source, DOCUMENTS, size_bytes=4000)
    fresh.airflow.unpause("slow_xml")
    run_id = fresh.airflow.trigger("slow_xml", {"batch_size": DOCUMENTS, "insert_batch": 5})
    child, _ = task_process(fresh, run_id, "working")

    fresh.airflow.mark_failed("slow_xml", run_id, "load", 0)

    wait_for(lambda: not is_running(child), 10, "the killed task ends")
    line = ledger_line(fresh, run_id)
    assert half_way(line)
    assert line is not None
    assert line["state"] == "failed", "it ended in order: its counts are in the ledger"
    assert len(contents(fresh.warehouse)["app_base"]) == line["records_settled"]


def test_the_execution_timeout_is_obeyed_within_seconds(fresh: Site) -> None:
    write_sample(fresh.source, DOCUMENTS, size_bytes=4000)
    fresh.airflow.unpause("slow_timeout")
    run_id = fresh.airflow.trigger("slow_timeout", {"batch_size": DOCUMENTS, "insert_batch": 5})

    assert fresh.airflow.finished("slow_timeout", run_id)["state"] == "failed"

    (load,) = [task for task in fresh.airflow.tasks("slow_timeout", run_id) if task["task_id"] == "load"]
    assert (load["state"], load["try_number"]) == ("failed", 1)
    assert 2 <= load["duration"] < 7
    line = ledger_line(fresh, run_id)
    assert line is not None
    assert (line["state"], half_way(line)) == ("failed", True)
