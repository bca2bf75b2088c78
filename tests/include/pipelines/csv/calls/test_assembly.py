from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from include.connections.http.clock import Clock
from include.engine.errors import FatalError, RecordRejected
from include.pipelines.csv.quota.admission import Outcome
from include.pipelines.csv.quota.deadline import Deadline
from include.pipelines.csv.quota.gate import DeadlinePassed
from include.pipelines.csv.row import Row
from include.pipelines.csv.steps.email import EmailClient
from include.pipelines.csv.steps.email_settings import EmailSettings
from include.pipelines.csv.steps.template import parse_template
from include.sandbox.web_apis import WebApis
from include.sandbox.web_apis_behaviour import Behaviour
from include.warehouse.connection import Warehouse
from tests.fixtures.loopback import LoopbackServer, Received, Reply, loopback
from tests.include.pipelines.csv.paying import paid_calls, services

GATHER_S = "include.pipelines.csv.calls.assembly.GATHER_S"
TEMPLATE = parse_template("intro", "[system]\nBe short.\n[user]\nWrite to {company}.")
STEP = EmailClient(TEMPLATE, EmailSettings(model="m", structured="json_schema", rows_per_request=5))
BODY = "A body that is long enough for "

Items = Callable[[list[dict[str, str]]], Any]


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows wait until a request is full, however slow the machine is."""
    monkeypatch.setattr(GATHER_S, 20.0)


def write(calls: Any, number: int) -> str:
    given = {"company": f"Company {number}"}
    return STEP.run(Row(number, given), given, calls.for_row(60))["email_body"]


def model(items: Items, asked: list[int]) -> Callable[[Received], Reply]:
    """Answers rows that come alone rightly, and rows that come together as `items` says."""

    def answer(request: Received) -> Reply:
        body = json.loads(request.body)
        prompt = body["messages"][-1]["content"]
        several = "items" in body["response_format"]["json_schema"]["schema"]["properties"]
        tasks = json.loads(prompt.partition("\n")[2]) if several else []
        asked.append(len(tasks) or 1)
        content = items(tasks) if several else {"email_body": BODY + prompt}
        message = {"message": {"content": content if isinstance(content, str) else json.dumps(content)}}
        return Reply(200, json.dumps({"choices": [message], "usage": {"total_tokens": 50}}).encode())

    return answer


def good(task: dict[str, str]) -> dict[str, str]:
    return {"id": task["id"], "email_body": BODY + task["prompt"]}


def five_rows(warehouse: Warehouse, server: LoopbackServer) -> list[str]:
    with paid_calls(warehouse, services(server.origin)) as calls, ThreadPoolExecutor(5) as pool:
        return list(pool.map(lambda number: write(calls, number), range(5)))


def test_rows_share_requests_each_gets_its_own_answer_and_a_later_task_pays_nothing(warehouse: Warehouse) -> None:
    with WebApis() as apis:
        found = []
        for owner in ("one", "two"):
            with paid_calls(warehouse, services(apis.origin), owner) as calls, ThreadPoolExecutor(20) as pool:
                found.append(list(pool.map(lambda number: write(calls, number), range(20))))
    assert found[0] == found[1]
    assert len(set(found[0])) == 20
    assert len(apis.log.calls("model")) == 4


@pytest.mark.parametrize(
    ("items", "requests"),
    [
        (lambda tasks: {"items": [good(task) for task in tasks]}, [5]),
        (lambda tasks: {"items": [good(task) for task in reversed(tasks)]}, [5]),
        (lambda tasks: {"items": [good(task) for task in tasks[1:]]}, [5, 1]),
        (lambda tasks: {"items": [good(task) for task in (*tasks, tasks[0])]}, [5, 1]),
        (lambda tasks: {"items": [good(task) for task in tasks] + [{"id": "77", "email_body": "x"}, "junk"]}, [5]),
        (lambda tasks: {"items": [{"id": task["id"], "email_body": 7} for task in tasks]}, [5, 1, 1, 1, 1, 1]),
        (lambda tasks: {"items": "none"}, [5, 1, 1, 1, 1, 1]),
        (lambda tasks: "no JSON", [5, 1, 1, 1, 1, 1]),
    ],
)
def test_answers_are_matched_by_id_and_what_is_missing_or_malformed_is_asked_for_alone(
    warehouse: Warehouse, items: Items, requests: list[int]
) -> None:
    asked: list[int] = []
    with loopback(model(items, asked)) as server:
        found = five_rows(warehouse, server)
    assert found == [f"{BODY}Write to Company {number}." for number in range(5)]
    assert asked == requests


def test_a_row_whose_answer_is_unfit_has_its_next_take_alone(warehouse: Warehouse) -> None:
    asked: list[int] = []

    def first_is_short(tasks: list[dict[str, str]]) -> Any:
        return {"items": [{"id": tasks[0]["id"], "email_body": "Hi."}, *(good(task) for task in tasks[1:])]}

    with loopback(model(first_is_short, asked)) as server:
        found = five_rows(warehouse, server)
    assert found == [f"{BODY}Write to Company {number}." for number in range(5)]
    assert asked == [5, 1]


def test_a_row_that_is_alone_travels_alone(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GATHER_S, 0.01)
    asked: list[int] = []
    with (
        loopback(model(lambda tasks: "never", asked)) as server,
        paid_calls(warehouse, services(server.origin)) as calls,
    ):
        assert write(calls, 1) == f"{BODY}Write to Company 1."
    assert asked == [1]


def test_a_row_whose_time_is_over_while_its_request_is_under_way_waits_for_what_is_paid(warehouse: Warehouse) -> None:
    pair = EmailClient(TEMPLATE, EmailSettings(model="m", structured="json_schema", rows_per_request=2))

    def row(calls: Any, number: int, deadline_s: float) -> str:
        given = {"company": f"Company {number}"}
        return pair.run(Row(number, given), given, calls.for_row(deadline_s))["email_body"]

    with (
        WebApis(model=Behaviour(latency_s=1.5)) as apis,
        paid_calls(warehouse, services(apis.origin)) as calls,
        ThreadPoolExecutor(2) as pool,
    ):
        leads = pool.submit(row, calls, 1, 60)
        while not any(assembly._tables for assembly in calls._assemblies.values()):
            pass
        follows = pool.submit(row, calls, 2, 1.0)
        assert leads.result(20) != follows.result(20)
    assert len(apis.log.calls("model")) == 1


def test_a_request_goes_out_no_later_than_the_deadline_of_each_of_its_rows(warehouse: Warehouse) -> None:
    with (
        WebApis() as apis,
        paid_calls(warehouse, services(apis.origin, concurrency=1)) as calls,
        ThreadPoolExecutor(2) as pool,
    ):
        gate = calls._cashiers["model"].gate
        entered = gate.enter(0, Deadline(Clock(threading.Event()), 60))
        pair = EmailClient(TEMPLATE, EmailSettings(model="m", structured="json_schema", rows_per_request=2))

        def row(number: int, deadline_s: float) -> str:
            given = {"company": f"Company {number}"}
            return pair.run(Row(number, given), given, calls.for_row(deadline_s))["email_body"]

        leads = pool.submit(row, 1, 60)
        while not any(assembly._tables for assembly in calls._assemblies.values()):
            pass
        follows = pool.submit(row, 2, 1.0)
        assert isinstance(follows.exception(20), DeadlinePassed)
        gate.end(entered, Outcome.ANSWERED)
        assert leads.result(20)
    assert len(apis.log.calls("model")) == 1


@pytest.mark.parametrize(("status", "kind"), [(400, RecordRejected), (401, FatalError)])
def test_a_row_is_refused_alone_and_what_ends_the_batch_is_asked_for_once(
    warehouse: Warehouse, status: int, kind: type
) -> None:
    with (
        loopback(lambda _: Reply(status)) as server,
        paid_calls(warehouse, services(server.origin)) as calls,
        ThreadPoolExecutor(5) as pool,
    ):
        rows = [pool.submit(write, calls, number) for number in range(5)]
        assert {type(row.exception(20)) for row in rows} == {kind}
    assert len(server.received) == (6 if kind is RecordRejected else 1)
