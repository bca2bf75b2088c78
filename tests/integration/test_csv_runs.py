"""The CSV pipeline under a real scheduler: four mapped tasks of 75 threads against both web APIs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from include.pipelines.csv.enrichment import Enrichment
from include.pipelines.csv.offers import offer_from_connection
from include.pipelines.csv.settings import CsvSettings
from include.sandbox.web_apis import API_KEY, Service, WebApis
from include.sandbox.web_apis_behaviour import Behaviour
from include.sandbox.web_apis_calls import CallLog
from include.sandbox.web_apis_http import HttpReply
from tests.fixtures.tables import assert_every_record_settled_once
from tests.include.pipelines.csv.house import read_rows, write_rows
from tests.include.pipelines.csv.plainly import plainly
from tests.integration.conftest import Site

pytestmark = pytest.mark.scheduler

TASKS, WORKERS, BATCH = 4, 75, 300
COMMON, OWN = 15, 60
"""Domains among the first rows of every task, and of each task alone."""
DOMAINS = COMMON + TASKS * OWN
HEADER = {"Company": "company", "Domain": "domain", "First name": "first_name", "Note": "note"}
SECRETIVE = "a note that nobody else may have"
SECRETS = (SECRETIVE, "Planted", "planted", "short business e-mail", "short call next week", "founded in")
"""Of rows, prompts and answers."""
CONNECTIONS: dict[str, dict[str, Any]] = {"headrace_research": {}, "headrace_email": {"model": "small"}}


class Meeting(Service):
    """Answers nobody before so many calls are open: more than three of the tasks could have."""

    def __init__(self, api: str, behaviour: Behaviour, log: CallLog, expected: int) -> None:
        super().__init__(api, behaviour, log)
        self._missing = expected
        self._all_there = asyncio.Event()

    async def reply(self, asked: Mapping[str, Any]) -> HttpReply:
        self._missing -= 1
        if self._missing <= 0:
            self._all_there.set()
        await self._all_there.wait()
        return await super().reply(asked)


def lead(number: int) -> list[str]:
    """The first row of each thread is of a domain that no other thread of its task has begun with."""
    task, place = divmod(number, BATCH)
    if place < COMMON:
        domain = place
    elif place < WORKERS:
        domain = COMMON + task * OWN + place - COMMON
    else:
        domain = 7 * number % DOMAINS
    if place == 2 * WORKERS:
        return ["", "", f"Planted {number}", SECRETIVE]
    return [f"Company {domain}, Ltd", f"planted{domain}.example", f"Planted {number}", SECRETIVE]


LEADS = [lead(number) for number in range(TASKS * BATCH)]


@pytest.fixture
def apis(site: Site, tmp_path: Path) -> Iterator[WebApis]:
    folders = {"inbox": str(tmp_path / "inbox"), "output_folder": str(tmp_path / "out")}
    for folder in folders.values():
        Path(folder).mkdir()
    settings = {**folders, "roots": [folders["inbox"]], "workers": WORKERS, "batch_size": BATCH}
    airflow, key = site.airflow, "headrace_csv_enrichment"
    with WebApis(model=Behaviour(latency_s=0.6)) as serving:
        serving.search = Meeting("search", Behaviour(latency_s=0.3), serving.log, DOMAINS)
        airflow.call("POST", "/variables", json={"key": key, "value": json.dumps(settings)})
        for conn_id, extra in CONNECTIONS.items():
            connection = {"connection_id": conn_id, "conn_type": "http", "host": serving.origin, "password": API_KEY}
            airflow.call("POST", "/connections", json={**connection, "extra": json.dumps(extra)})
        yield serving
        for path in (f"/variables/{key}", *(f"/connections/{conn_id}" for conn_id in CONNECTIONS)):
            airflow.call("DELETE", path)


def expected() -> list[dict[str, str]]:
    offers = {
        name: offer_from_connection(name, name, host="http://127.0.0.1", extra=extra)
        for name, extra in zip(("search", "model"), CONNECTIONS.values(), strict=True)
    }
    fields = [dict(zip(HEADER.values(), row, strict=True)) for row in LEADS]
    made = plainly(Enrichment(CsvSettings(), offers), fields)
    return [dict(zip(HEADER, row, strict=True)) | more for row, more in zip(LEADS, made, strict=True)]


def logs(site: Site) -> str:
    """Of all tasks of the Dag."""
    return "".join(file.read_text() for file in (site.home / "airflow/logs/dag_id=csv_enrichment").rglob("*.log"))


def test_four_tasks_at_once_pay_once_for_each_domain_as_do_two_runs_and_give_the_rows_that_one_by_one_would(
    fresh: Site, apis: WebApis, tmp_path: Path
) -> None:
    write_rows(tmp_path / "inbox" / "leads.csv", LEADS, tuple(HEADER))
    airflow = fresh.airflow
    airflow.unpause("csv_enrichment")
    # Whichever of both comes second pays nothing.
    mine = {airflow.trigger("csv_enrichment") for _ in range(2)}
    # The scheduler adds the run of this morning, when the file had not arrived.
    runs = airflow.all_finished("csv_enrichment", 3)

    for run in runs:
        tasks = airflow.tasks("csv_enrichment", run["dag_run_id"])
        assert run["state"] == "success", tasks
        loads = [task for task in tasks if task["task_id"] == "load" and task["map_index"] >= 0]
        assert len(loads) == (TASKS if run["dag_run_id"] in mine else 0)
    (made,) = (tmp_path / "out").iterdir()
    found = read_rows(made)
    assert found == expected()
    assert sum(bool(row["error"]) for row in found) == TASKS
    assert_every_record_settled_once(fresh.warehouse, "csv_enrichment", TASKS * BATCH)

    assert apis.log.open_at_most("search") == DOMAINS > (TASKS - 1) * WORKERS
    assert (len(apis.log.calls("search")), len(apis.log.paid("search"))) == (DOMAINS, DOMAINS)
    mails = TASKS * (BATCH - 1)
    assert (len(apis.log.calls("model")), len(apis.log.paid("model"))) == (mails, mails)

    told = logs(fresh)
    assert told.count('"calls: {') == 2 * TASKS
    metadata = (fresh.home / "airflow/airflow.db").read_bytes().decode("utf-8", "replace")
    assert "csv_enrichment" in metadata
    assert [secret for secret in SECRETS if secret in told + fresh.airflow.log + metadata] == []
