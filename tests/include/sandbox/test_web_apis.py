from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from include.sandbox.web_apis import API_KEY, WebApis
from include.sandbox.web_apis_behaviour import Behaviour, Draws, Fault
from include.sandbox.web_apis_quotas import Quota, most_in_any_window

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def client() -> Iterator[httpx2.Client]:
    limits = httpx2.Limits(max_connections=400, max_keepalive_connections=400)
    with httpx2.Client(timeout=30, limits=limits) as made:
        yield made


def search(client: httpx2.Client, apis: WebApis, question: str = "acme.example") -> httpx2.Response:
    return client.post(f"{apis.origin}/search", headers={"X-API-KEY": API_KEY}, json={"q": question, "num": 3})


def chat(client: httpx2.Client, apis: WebApis, prompt: str = "Write.", **asked: Any) -> httpx2.Response:
    body = {"model": "m", "messages": [{"role": "user", "content": prompt}], **asked}
    return client.post(f"{apis.origin}/v1/chat/completions", headers={"Authorization": f"Bearer {API_KEY}"}, json=body)


def test_the_same_question_has_the_same_answer_and_is_counted_by_its_content(client: httpx2.Client) -> None:
    with WebApis() as apis:
        first, second = search(client, apis).json(), search(client, apis).json()
        search(client, apis, "other.example")
        text = chat(client, apis).json()["choices"][0]["message"]["content"]
    assert first == second
    assert [result["position"] for result in first["organic"]] == [1, 2, 3]
    assert text
    assert apis.log.paid("search") == {"acme.example": 2, "other.example": 1}
    assert apis.log.paid("model") == {"Write.": 1}


def test_a_json_schema_is_answered_with_its_fields(client: httpx2.Client) -> None:
    schema = {"properties": {"email_body": {"type": "string"}, "personalized_line": {"type": "string"}}}
    form = {"type": "json_schema", "json_schema": {"schema": schema}}
    with WebApis() as apis:
        text = chat(client, apis, response_format=form).json()["choices"][0]["message"]["content"]
    assert list(json.loads(text)) == ["email_body", "personalized_line"]


@pytest.mark.parametrize("path", ["/search", "/v1/chat/completions"])
def test_a_wrong_key_is_refused_and_nothing_is_counted(client: httpx2.Client, path: str) -> None:
    with WebApis() as apis:
        answer = client.post(f"{apis.origin}{path}", headers={"X-API-KEY": "x", "Authorization": "y"}, json={})
    assert answer.status_code == 401
    assert apis.log.calls() == []


def test_three_hundred_calls_wait_at_the_same_time(client: httpx2.Client) -> None:
    with WebApis(Behaviour(latency_s=1.0)) as apis, ThreadPoolExecutor(300) as pool:
        answers = list(pool.map(lambda number: search(client, apis, f"c{number}.example"), range(300)))
    assert {answer.status_code for answer in answers} == {200}
    assert apis.log.open_at_most("search") >= 200


def test_a_quota_is_enforced_with_headers_and_its_windows_are_recorded(client: httpx2.Client) -> None:
    with WebApis(Behaviour(quotas=(Quota("requests", 2, 60.0),))) as apis:
        answers = [search(client, apis) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["x-ratelimit-remaining-requests"] for answer in answers] == ["1", "0", "0"]
    assert 59 < float(answers[2].headers["retry-after"]) <= 60
    assert apis.log.most_requests("search", 60.0) == 3
    assert sum(apis.log.paid("search").values()) == 2


def test_tokens_are_a_quota_too(client: httpx2.Client) -> None:
    with WebApis(model=Behaviour(quotas=(Quota("tokens", 60, 60.0),))) as apis:
        answers = [chat(client, apis) for _ in range(3)]
        used = answers[0].json()["usage"]["total_tokens"]
    assert [answer.status_code for answer in answers].count(429) == 3 - 60 // used
    assert apis.log.most_tokens("model", 60.0) == 60 // used * used


@pytest.mark.parametrize(
    ("fault", "paid"), [("busy", 0), ("fault", 0), ("malformed", 1), ("empty", 1), ("slow_body", 1)]
)
def test_an_answer_fails_as_planned(client: httpx2.Client, fault: Fault, paid: int) -> None:
    with WebApis(Behaviour(slow_body_s=0.05)) as apis:
        apis.search.draws.plan([fault])
        failed, after = search(client, apis), search(client, apis)
    wanted = {"busy": 429, "fault": 503}.get(fault, 200)
    assert failed.status_code == wanted
    assert (failed.content == after.content) is (fault == "slow_body")
    assert after.status_code == 200
    assert sum(apis.log.paid("search").values()) == paid + 1


@pytest.mark.parametrize(("fault", "paid"), [("reset", 0), ("late_reset", 1), ("cut", 1)])
def test_a_connection_breaks_as_planned(client: httpx2.Client, fault: Fault, paid: int) -> None:
    with WebApis() as apis:
        apis.search.draws.plan([fault])
        with pytest.raises(httpx2.HTTPError):
            search(client, apis)
        assert search(client, apis).status_code == 200
    assert sum(apis.log.paid("search").values()) == paid + 1


def test_shares_and_slow_answers_come_about_as_often_as_told() -> None:
    draws = Draws(Behaviour(latency_s=1.0, spread=0.2, slow_share=0.01, busy_share=0.05, reset_share=0.02))
    latencies = [draws.latency_s() for _ in range(20_000)]
    faults = [draws.fault() for _ in range(20_000)]
    slow = [latency_s for latency_s in latencies if latency_s > 1.2]
    assert 140 < len(slow) < 260
    assert all(16 <= latency_s <= 24 for latency_s in slow)
    assert 850 < faults.count("busy") < 1150
    assert 300 < faults.count("reset") + faults.count("late_reset") < 500


@pytest.mark.parametrize(
    ("arrivals", "most"),
    [
        ([], 0),
        ([(0.0, 1), (10.0, 1)], 1),
        ([(0.0, 1), (9.99, 1)], 2),
        ([(0.0, 5), (3.0, 2), (9.0, 4), (12.0, 1)], 11),
    ],
)
def test_the_most_in_any_window_is_found(arrivals: list[tuple[float, int]], most: int) -> None:
    assert most_in_any_window(arrivals, 10.0) == most


def test_it_runs_as_a_command_and_tells_what_it_saw(client: httpx2.Client) -> None:
    command = [
        sys.executable,
        "-m",
        "include.sandbox.web_apis",
        "--search-latency",
        "0",
        "--quota",
        "search:requests:1:60",
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            origin = process.stdout.readline().strip()
            answers = [
                client.post(f"{origin}/search", headers={"X-API-KEY": API_KEY}, json={"q": "acme.example"})
                for _ in range(2)
            ]
            seen = client.get(f"{origin}/calls").json()
        finally:
            process.kill()
    assert [answer.status_code for answer in answers] == [200, 429]
    assert [(call["content"], call["paid"]) for call in seen] == [("acme.example", True), ("acme.example", False)]


def test_leaving_ends_calls_that_are_open_and_its_thread(client: httpx2.Client) -> None:
    with WebApis(Behaviour(latency_s=3600.0)) as apis, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(search, client, apis)
        while not apis.log.calls():
            pass
        apis.__exit__()
        assert isinstance(waiting.exception(10), httpx2.HTTPError)
        assert not [thread for thread in threading.enumerate() if thread.name == "sandbox-web-apis"]
