"""Documents that hang, crash or swell in a task under a real scheduler, and tasks that end in every way there is."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from tests.fixtures.airflow_server import wait_for
from tests.fixtures.pdf_files import text_pdf
from tests.fixtures.tables import assert_every_record_settled_once, contents, rows
from tests.include.pipelines.pdf.entries import entry, write_lines
from tests.integration.conftest import Site

pytestmark = pytest.mark.scheduler

HEALTHY = 100
STOPPED_S = 10
"""A task that is killed ends within seconds."""
LEFT_S = 2
"""After the end of its task, no worker process may be there any longer."""

HANGS = {"workers": 2, "record_timeout_s": 600, "max_reject_rate": 1}


def write_case(site: Site, *faulty: str, healthy: int = HEALTHY) -> list[str]:
    names = [f"{number}.pdf" for number in range(healthy)]
    first = text_pdf(site.documents / "0.pdf", ["healthy"]).read_bytes()
    for name in [*names, *faulty]:
        (site.documents / name).write_bytes(first)
    half = len(names) // 2
    listed = [*names[:half], *faulty, *names[half:]]
    write_lines(site.documents / "manifest.ndjson", [entry(name) for name in listed])
    return listed


def workers(site: Site) -> list[psutil.Process]:
    """Worker processes of this site's tasks, whoever their parent is by now."""
    return [process for process in psutil.process_iter() if is_of(process, site)]


def is_of(process: psutil.Process, site: Site) -> bool:
    try:
        is_worker = "include.engine.worker_process" in process.cmdline()
        return is_worker and process.environ().get("HEADRACE_HOME") == str(site.home)
    except psutil.Error:
        return False


def is_running(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def task_of(found: list[psutil.Process]) -> int | None:
    for worker in found:
        try:
            return int(worker.ppid())
        except psutil.NoSuchProcess:
            continue
    return None


def task_at_work(site: Site, dag_id: str, run_id: str) -> int:
    """The process of the run's load task, as soon as it has worker processes."""

    def look() -> int | None:
        states = {task["task_id"]: task["state"] for task in site.airflow.tasks(dag_id, run_id)}
        assert states.get("plan") not in {"failed", "upstream_failed"}, site.airflow.task_log(dag_id, run_id, "plan")
        return task_of(workers(site))

    return wait_for(look, 240, "the task has worker processes", every_s=0.1)


def assert_none_left(site: Site, task: int, ends_s: float = 60) -> None:
    wait_for(lambda: not is_running(task), ends_s, "the task ends", every_s=0.05)
    wait_for(lambda: not workers(site), LEFT_S, "no worker process is left", every_s=0.05)


def test_a_hang_a_crash_and_a_lack_of_memory_cost_their_documents_alone(fresh: Site) -> None:
    listed = write_case(fresh, "hang.pdf", "crash.pdf", "memory.pdf")
    fresh.airflow.unpause("faulty_pdf")
    run_id = fresh.airflow.trigger("faulty_pdf", {"batch_size": 200, "workers": 2, "record_timeout_s": 5})
    task = task_at_work(fresh, "faulty_pdf", run_id)

    assert fresh.airflow.finished("faulty_pdf", run_id)["state"] == "success"

    assert_none_left(fresh, task)
    assert len(contents(fresh.warehouse)["documents"]) == HEALTHY
    assert_every_record_settled_once(fresh.warehouse, "pdf_text", len(listed))
    found = rows(fresh.warehouse, "SELECT code, message FROM headrace_rejects ORDER BY code, message")
    assert [code for code, _ in found] == ["timeout.transform", "worker.crashed", "worker.crashed"]
    assert [word for _, message in found for word in ("SIGSEGV", "memory limit") if word in message] == [
        "memory limit",
        "SIGSEGV",
    ]
    summary = fresh.airflow.xcom("faulty_pdf", run_id, "summarize")
    assert summary["documents"]["succeeded"] == HEALTHY
    assert summary["documents"]["documents_per_hour"] > 0


def nothing(site: Site, run_id: str, task: int) -> None:
    """The task ends by itself."""


def mark_failed(site: Site, run_id: str, task: int) -> None:
    site.airflow.mark_failed("faulty_pdf", run_id, "load", 0)


def kill(site: Site, run_id: str, task: int) -> None:
    os.kill(task, signal.SIGKILL)


def terminate(site: Site, run_id: str, task: int) -> None:
    os.kill(task, signal.SIGTERM)


@pytest.mark.parametrize(
    ("dag_id", "faulty", "conf", "end"),
    [
        pytest.param("faulty_pdf", ["crash.pdf"], HANGS, nothing, id="normally"),
        pytest.param("faulty_pdf", ["hang.pdf", "crash.pdf"], {**HANGS, "max_rejects": 0}, nothing, id="exception"),
        pytest.param("faulty_pdf_timeout", ["hang.pdf"], HANGS, nothing, id="timeout"),
        pytest.param("faulty_pdf", ["hang.pdf"], HANGS, mark_failed, id="marked as failed"),
        pytest.param("faulty_pdf", ["hang.pdf"], HANGS, terminate, id="SIGTERM"),
        pytest.param("faulty_pdf", ["hang.pdf"], HANGS, kill, id="SIGKILL"),
    ],
)
def test_no_worker_process_outlives_its_task_however_that_ends(
    fresh: Site, dag_id: str, faulty: list[str], conf: dict[str, Any], end: Callable[[Site, str, int], None]
) -> None:
    listed = write_case(fresh, *faulty, healthy=10)
    fresh.airflow.unpause(dag_id)
    run_id = fresh.airflow.trigger(dag_id, {"batch_size": 200, "insert_batch": 1, **conf})
    task = task_at_work(fresh, dag_id, run_id)
    if end is not nothing:
        wait_for(lambda: is_half_way(fresh, run_id), 60, "the first documents are there", every_s=0.05)

    end(fresh, run_id, task)

    assert_none_left(fresh, task, 60 if end is nothing else STOPPED_S)
    run = fresh.airflow.finished(dag_id, run_id)
    assert run["state"] == ("success" if faulty == ["crash.pdf"] else "failed")
    line = rows(
        fresh.warehouse, "SELECT records_planned, records_settled FROM headrace_batches WHERE run_id = ?", run_id
    )
    assert line[0][0] == len(listed)
    assert (line[0][0] == line[0][1]) is (run["state"] == "success")


def is_half_way(site: Site, run_id: str) -> bool:
    if not site.warehouse.exists():
        return False
    found = rows(
        site.warehouse,
        "SELECT name FROM sqlite_master WHERE name = 'headrace_batches'",
    )
    return bool(found) and bool(
        rows(site.warehouse, "SELECT 1 FROM headrace_batches WHERE run_id = ? AND records_settled > 3", run_id)
    )
