from __future__ import annotations

import logging
import threading
import traceback
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta

import pytest

from include.engine.errors import BatchStopped, FatalError, HeadraceError, RecordRejected, SettingsError, TransientError
from include.pipelines.csv.calls.call import MalformedAnswer, PaidCall, Reading
from include.pipelines.csv.calls.service import Service
from include.pipelines.csv.quota.gate import DeadlinePassed, QuotaUsedUp
from include.pipelines.csv.quota.settings import EndpointSettings
from include.sandbox.web_apis import WebApis
from include.sandbox.web_apis_behaviour import Behaviour, Fault
from include.sandbox.web_apis_quotas import Quota
from include.warehouse.clock import utc_now
from include.warehouse.connection import Warehouse
from tests.fixtures.loopback import Received, Reply, loopback
from tests.include.pipelines.csv.paying import paid_calls, research, services

pytestmark = pytest.mark.slow

PLANTED = "zyxwvut-planted"


def test_what_was_paid_is_not_paid_again_by_a_later_task(warehouse: Warehouse) -> None:
    with WebApis() as apis:
        for owner in ("one", "two"):
            with paid_calls(warehouse, services(apis.origin), owner) as calls:
                assert "acme.example" in research(calls, "https://www.ACME.example/about")
                counted = calls.counts.snapshot()
    assert apis.log.paid("search") == {"acme.example": 1}
    assert counted == {"search.found": 1}


def test_twenty_rows_of_one_domain_in_each_of_three_tasks_cost_one_call(warehouse: Warehouse) -> None:
    with WebApis(Behaviour(latency_s=0.2)) as apis, ExitStack() as stack:
        tasks = [
            stack.enter_context(paid_calls(warehouse, services(apis.origin), owner))
            for owner in ("one", "two", "three")
        ]
        with ThreadPoolExecutor(60) as pool:
            found = list(pool.map(lambda number: research(tasks[number % 3], "acme.example"), range(60)))
    assert len(set(found)) == 1
    assert apis.log.paid("search") == {"acme.example": 1}


def test_a_run_that_pays_again_pays_once_and_its_retry_does_not(warehouse: Warehouse) -> None:
    with WebApis() as apis:
        with paid_calls(warehouse, services(apis.origin)) as calls:
            research(calls, "acme.example")
        force = utc_now()
        for owner in ("first try", "retry"):
            with paid_calls(warehouse, services(apis.origin), owner, paid_after=force) as calls:
                for _ in range(3):
                    research(calls, "acme.example")
    assert apis.log.paid("search") == {"acme.example": 2}


def test_an_answer_older_than_its_time_to_live_is_paid_again(warehouse: Warehouse) -> None:
    with WebApis() as apis:
        offered = services(apis.origin)
        with paid_calls(warehouse, offered) as calls:
            research(calls, "acme.example")
        brief = [
            Service(settings=each.settings, base_url=each.base_url, headers=each.headers, ttl=timedelta(0))
            for each in offered
        ]
        with paid_calls(warehouse, brief) as calls:
            research(calls, "acme.example")
    assert apis.log.paid("search") == {"acme.example": 2}


@pytest.mark.parametrize(
    ("fault", "paid"),
    [("busy", 1), ("fault", 1), ("reset", 1), ("late_reset", 2), ("cut", 2), ("malformed", 2), ("empty", 2)],
)
def test_a_call_that_fails_is_made_again_and_its_answer_is_right(warehouse: Warehouse, fault: Fault, paid: int) -> None:
    with WebApis() as apis, paid_calls(warehouse, services(apis.origin)) as calls:
        apis.search.draws.plan([fault])
        assert "Fact 1 about acme.example" in research(calls, "acme.example")
        assert calls.counts.snapshot()["search.again"] == 1
    assert apis.log.paid("search") == {"acme.example": paid}


def test_what_does_not_pass_in_so_many_tries_is_the_rows_error_and_a_later_row_may_ask(warehouse: Warehouse) -> None:
    with WebApis() as apis, paid_calls(warehouse, services(apis.origin)) as calls:
        apis.search.draws.plan(["fault"] * 8)
        with pytest.raises(TransientError, match=r"^search: 503$"):
            research(calls, "acme.example")
        assert research(calls, "acme.example")


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (400, PLANTED, RecordRejected, "csv.request_refused: search: 400: the service refuses the request"),
        (422, PLANTED, RecordRejected, "csv.request_refused: search: 422"),
        (401, PLANTED, FatalError, "search: 401: the service refuses its connection's key"),
        (403, PLANTED, FatalError, "search: 403: its connection's key may not do this"),
        (404, PLANTED, FatalError, "search: 404: there is nothing at this address"),
        (402, PLANTED, FatalError, "search: 402: the service wants to be paid"),
        (307, PLANTED, FatalError, "search: 307: it redirects"),
        (400, '{"message": "Not enough credits"}', FatalError, "search: 400: the account is out of credit"),
        (429, '{"error": {"code": "insufficient_quota"}}', FatalError, "search: 429: the account is out of credit"),
        (200, f'["{PLANTED}"]', TransientError, "search: the answer has no list of organic results"),
        (200, "[" * 100_000, TransientError, "search: the answer has no list of organic results"),
        (200, "x" * 5_000_000, RecordRejected, "csv.answer_too_large: search: the answer is larger than 4,194,304"),
    ],
)
def test_each_answer_that_is_none_is_named_without_what_it_holds(
    warehouse: Warehouse, caplog: pytest.LogCaptureFixture, status: int, body: str, kind: type, message: str
) -> None:
    caplog.set_level(logging.DEBUG)

    def answer(_: Received) -> Reply:
        return Reply(status, body.encode(), {"Content-Type": "application/json"})

    with (
        loopback(answer) as server,
        paid_calls(warehouse, services(server.origin)) as calls,
        pytest.raises(kind) as caught,
    ):
        research(calls, f"{PLANTED}.example")
    assert str(caught.value).startswith(message)
    told = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert PLANTED not in told
    assert "sandbox" not in caplog.text  # the key


@pytest.mark.parametrize("fault", ["busy", "fault", "reset", "late_reset", "cut", "malformed", "empty", "slow_body"])
def test_no_value_comes_out_of_a_failing_call(
    warehouse: Warehouse, caplog: pytest.LogCaptureFixture, fault: Fault
) -> None:
    caplog.set_level(logging.DEBUG)
    with (
        WebApis(Behaviour(slow_body_s=5.0)) as apis,
        paid_calls(warehouse, services(apis.origin, timeout_s=0.5)) as calls,
    ):
        apis.search.draws.plan([fault] * 20)
        with pytest.raises(HeadraceError) as caught:
            research(calls, f"{PLANTED}.example", 1.0)
    assert PLANTED not in "".join(traceback.format_exception(caught.value)) + caplog.text


def test_the_path_of_a_users_own_call_does_not_show_either(warehouse: Warehouse) -> None:
    call = PaidCall(
        service="search", method="GET", path=f"/people/{PLANTED}", identity=("crm", PLANTED), read=lambda _: Reading("")
    )
    with (
        loopback(lambda _: Reply(broken="close")) as server,
        paid_calls(warehouse, services(server.origin)) as calls,
        pytest.raises(TransientError, match=r"^search: \w+$"),
    ):
        calls.for_row(60).answer(call)
    assert server.received[0].path == f"/people/{PLANTED}"
    assert PLANTED not in repr(call)


def test_a_status_that_a_step_accepts_is_an_answer(warehouse: Warehouse) -> None:
    call = PaidCall(
        service="search",
        method="GET",
        path="/people/1",
        identity=("crm", "1"),
        accepts=frozenset({404}),
        read=lambda answer: Reading(str(answer.status)),
    )
    with loopback(lambda _: Reply(404)) as server, paid_calls(warehouse, services(server.origin)) as calls:
        assert calls.for_row(60).answer(call) == "404"
        assert calls.for_row(60).answer(call) == "404"
    assert len(server.received) == 1


def test_what_no_database_takes_is_replaced_in_the_value_of_every_row_alike(warehouse: Warehouse) -> None:
    call = PaidCall(service="search", identity=("crm", "1"), read=lambda _: Reading("a\0b\ud800c"))
    with loopback(lambda _: Reply(200)) as server:
        for owner in ("one", "two"):
            with paid_calls(warehouse, services(server.origin), owner) as calls:
                assert calls.for_row(60).answer(call) == "a\ufffdb\ufffdc"
    assert len(server.received) == 1


def test_no_call_goes_out_after_the_rows_deadline_and_the_error_says_what_was_wrong(warehouse: Warehouse) -> None:
    with WebApis(Behaviour(retry_after_s=30.0)) as apis, paid_calls(warehouse, services(apis.origin)) as calls:
        apis.search.draws.plan(["busy"])
        with pytest.raises(DeadlinePassed, match="another try, the last: search: 429"):
            research(calls, "acme.example", 2.0)
        with pytest.raises(DeadlinePassed):
            research(calls, "acme.example", 0.0)
    assert len(apis.log.calls()) == 1


def test_a_call_under_way_at_the_deadline_ends_and_its_answer_is_kept(warehouse: Warehouse) -> None:
    with WebApis(Behaviour(latency_s=0.6)) as apis, paid_calls(warehouse, services(apis.origin)) as calls:
        assert research(calls, "acme.example", 0.5)


def test_silence_ends_at_the_services_timeout(warehouse: Warehouse) -> None:
    with (
        WebApis(Behaviour(latency_s=600.0)) as apis,
        paid_calls(warehouse, services(apis.origin, timeout_s=0.1)) as calls,
        pytest.raises(TransientError, match="ReadTimeout"),
    ):
        research(calls, "acme.example")


def test_a_stop_ends_every_wait(warehouse: Warehouse) -> None:
    stop = threading.Event()
    with (
        WebApis(Behaviour(retry_after_s=30.0, busy_share=1.0)) as apis,
        paid_calls(warehouse, services(apis.origin), stop=stop) as calls,
        ThreadPoolExecutor(12) as pool,
    ):
        rows = [pool.submit(research, calls, f"c{number % 4}.example") for number in range(12)]
        while not apis.log.calls():
            pass
        stop.set()
        assert {type(row.exception(20)) for row in rows} == {BatchStopped}


def test_a_service_that_fails_is_left_alone_then_probed_and_every_row_is_right(warehouse: Warehouse) -> None:
    with (
        WebApis() as apis,
        paid_calls(
            warehouse, services(apis.origin, breaker_calls=5, open_s=0.1, open_max_s=0.1, concurrency=5)
        ) as calls,
        ThreadPoolExecutor(10) as pool,
    ):
        apis.search.draws.plan(["fault"] * 12)
        found = list(pool.map(lambda number: research(calls, f"c{number}.example"), range(10)))
    assert all(found)
    assert len(apis.log.calls()) == 22


def test_a_server_that_is_not_there_is_told_by_its_service(warehouse: Warehouse) -> None:
    with WebApis() as apis:
        origin = apis.origin
    with paid_calls(warehouse, services(origin)) as calls, pytest.raises(TransientError, match="search: ConnectError"):
        research(calls, "acme.example")


@pytest.mark.parametrize("learns", [True, False])
def test_the_service_sees_no_more_than_its_quota_in_any_window(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, learns: bool
) -> None:
    monkeypatch.setattr("include.pipelines.csv.quota.settings.MINUTE_S", 1.0)
    quota = Behaviour(latency_s=0.05, spread=1.0, quotas=(Quota("requests", 40, 1.0),))
    with WebApis(quota) as apis, ExitStack() as stack:
        offered = services(apis.origin, requests_per_minute=40, tasks=2, learn=learns)
        tasks = [stack.enter_context(paid_calls(warehouse, offered, owner)) for owner in ("one", "two")]
        with ThreadPoolExecutor(60) as pool:
            list(pool.map(lambda number: research(tasks[number % 2], f"c{number}.example"), range(120)))
    calls = apis.log.calls()
    assert apis.log.most_requests("search", 1.0) <= 40
    assert [call.status for call in calls] == [200] * 120


@pytest.mark.parametrize("slots", [1, 2])
def test_tasks_that_follow_each_other_keep_to_the_quota_with_calls_that_brought_nothing(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, slots: int
) -> None:
    monkeypatch.setattr("include.pipelines.csv.quota.settings.MINUTE_S", 1.0)
    fire = Behaviour(busy_share=0.1, reset_share=0.1, quotas=(Quota("requests", 40, 1.0),))
    with WebApis(fire) as apis:
        offered = services(apis.origin, requests_per_minute=40, tasks=slots)

        def work(task: int) -> None:
            with paid_calls(warehouse, offered, f"task {task}") as calls, ThreadPoolExecutor(10) as pool:
                list(pool.map(lambda number: research(calls, f"c{task}x{number}.example"), range(15)))

        with ThreadPoolExecutor(slots) as pool:
            list(pool.map(work, range(8)))
    assert apis.log.most_requests("search", 1.0) <= 40
    assert [call.fault for call in apis.log.calls() if call.status == 429 and call.fault != "busy"] == []
    assert len(apis.log.paid("search")) == 8 * 15


def test_what_was_paid_before_the_task_counts_against_its_quota(warehouse: Warehouse) -> None:
    with WebApis() as apis:
        with paid_calls(warehouse, services(apis.origin)) as calls:
            for number in range(3):
                research(calls, f"c{number}.example")
        with paid_calls(warehouse, services(apis.origin, requests_per_day=4), "two") as calls:
            research(calls, "d1.example")
            with pytest.raises(QuotaUsedUp, match=r"search: requests_per_day is used up \(this task's share is 4\)"):
                research(calls, "d2.example")
    assert len(apis.log.calls()) == 4


def test_a_rows_deadline_stands_still_while_it_or_who_calls_for_it_waits_for_a_quota(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("include.pipelines.csv.quota.settings.MINUTE_S", 1.0)
    with (
        WebApis() as apis,
        paid_calls(warehouse, services(apis.origin, requests_per_minute=2)) as calls,
        ThreadPoolExecutor(12) as pool,
    ):
        # Six domains at two a window: the last goes out after two windows, beyond the deadline.
        found = list(pool.map(lambda number: research(calls, f"c{number % 6}.example", 1.5), range(12)))
    assert all(found)
    assert sorted(apis.log.paid("search").values()) == [1] * 6


def test_an_answer_that_another_task_waits_for_is_waited_for_beyond_the_deadline(warehouse: Warehouse) -> None:
    with (
        WebApis(Behaviour(latency_s=1.5)) as apis,
        paid_calls(warehouse, services(apis.origin), "one") as one,
        paid_calls(warehouse, services(apis.origin), "two") as two,
        ThreadPoolExecutor(1) as pool,
    ):
        first = pool.submit(research, one, "acme.example")
        while not apis.log.calls():
            pass
        assert research(two, "acme.example", 1.0) == first.result(20)
    assert apis.log.paid("search") == {"acme.example": 1}


def test_a_task_for_which_there_is_no_share_of_a_quota_waits_until_another_ends(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("include.pipelines.csv.quota.settings.MINUTE_S", 1.0)
    monkeypatch.setattr("include.pipelines.csv.calls.earlier.LOOK_S", 0.01)
    slots = 4

    def work(task: int) -> None:
        with paid_calls(warehouse, offered, f"task {task}") as calls, ThreadPoolExecutor(10) as pool:
            list(pool.map(lambda number: research(calls, f"c{task}x{number}.example"), range(20)))

    with WebApis() as apis:
        offered = services(apis.origin, requests_per_minute=20, tasks=2)
        with ThreadPoolExecutor(slots) as tasks:
            list(tasks.map(work, range(slots)))
    assert apis.log.most_requests("search", 1.0) <= 20
    assert len(apis.log.paid("search")) == 20 * slots
    assert "other tasks work with all of the 2 shares of its quotas: this one waits" in caplog.text


def test_a_wait_for_a_share_of_a_quota_ends_with_its_patience_or_a_stop(warehouse: Warehouse) -> None:
    offered, stop = services("http://127.0.0.1:1", requests_per_minute=20), threading.Event()
    with paid_calls(warehouse, offered, "one"):
        with (
            pytest.raises(TransientError, match=r"all of the 1 shares.*no more slots than tasks_at_once says"),
            paid_calls(warehouse, offered, "two", quota_wait_s=0.0),
        ):
            pass
        stop.set()
        with pytest.raises(BatchStopped), paid_calls(warehouse, offered, "three", stop=stop):
            pass


def test_an_answer_that_comes_and_is_malformed_is_paid_for_twice_at_most_by_all_rows_that_want_it(
    warehouse: Warehouse,
) -> None:
    with (
        WebApis(Behaviour(latency_s=0.3)) as apis,
        paid_calls(warehouse, services(apis.origin)) as calls,
        ThreadPoolExecutor(10) as pool,
    ):
        apis.search.draws.plan(["malformed"] * 100)
        rows = [pool.submit(research, calls, "acme.example") for _ in range(10)]
        assert {type(row.exception(20)) for row in rows} == {MalformedAnswer}
    assert len(apis.log.calls()) == 2


def test_closing_waits_for_the_calls_under_way_whose_answers_are_kept_and_lets_no_other_go_out(
    warehouse: Warehouse,
) -> None:
    stop = threading.Event()
    with (
        WebApis(Behaviour(latency_s=0.5)) as apis,
        ThreadPoolExecutor(20) as pool,
        paid_calls(warehouse, services(apis.origin, concurrency=5), stop=stop) as calls,
    ):
        rows = [pool.submit(research, calls, f"c{number}.example") for number in range(20)]
        while len(apis.log.calls()) < 5:
            pass
        stop.set()
        calls.close()
        ended = [row.exception(0) for row in rows]
        assert (ended.count(None), sum(isinstance(error, BatchStopped) for error in ended)) == (5, 15)
        with pytest.raises(BatchStopped):
            research(calls, "late.example")
    assert len(apis.log.calls()) == 5
    with paid_calls(warehouse, services("http://127.0.0.1:1"), "two") as calls:
        for content in apis.log.paid("search"):
            assert research(calls, content)


def test_what_one_model_used_does_not_count_for_another_of_the_same_service(warehouse: Warehouse) -> None:
    with WebApis() as apis:
        for model in ("large", "small"):
            offered = services(apis.origin, requests_per_day=3, per_model=model)
            with paid_calls(warehouse, offered, model) as calls:
                for number in range(3):
                    assert research(calls, f"{model}{number}.example")
        with paid_calls(warehouse, services(apis.origin, requests_per_day=3, per_model="large"), "late") as calls:
            assert research(calls, "small1.example")
            with pytest.raises(QuotaUsedUp):
                research(calls, "d1.example")
    assert len(apis.log.calls()) == 6


def test_under_fire_every_row_is_right_and_repeated_domains_are_paid_once(warehouse: Warehouse) -> None:
    fire = Behaviour(
        latency_s=0.05,
        spread=0.5,
        slow_share=0.02,
        slow_factor=10.0,
        busy_share=0.05,
        fault_share=0.02,
        reset_share=0.02,
        slow_body_share=0.01,
        slow_body_s=0.2,
    )
    with (
        WebApis(fire) as apis,
        paid_calls(warehouse, services(apis.origin)) as calls,
        ThreadPoolExecutor(60) as pool,
    ):
        apis.search.draws.plan(["malformed"] * 3)  # twice to one row would be its error
        found = list(pool.map(lambda number: (number % 200, research(calls, f"c{number % 200}.example")), range(1000)))
        again = calls.counts.snapshot()["search.again"]
    assert all(f"about c{number}.example" in text for number, text in found)
    seen = apis.log.calls("search")
    assert len(seen) == 200 + again
    whole = Counter(call.content for call in seen if call.paid and call.fault in ("none", "slow_body"))
    assert whole == {f"c{number}.example": 1 for number in range(200)}


def test_a_service_that_no_step_knows_is_named_and_so_are_those_there(warehouse: Warehouse) -> None:
    call = PaidCall(service="crm", identity=("crm",), read=lambda _: Reading(""))
    with (
        paid_calls(warehouse, services("http://127.0.0.1:1")) as calls,
        pytest.raises(SettingsError, match=r"'crm', there are \['model', 'search'\]"),
    ):
        calls.for_row(1).answer(call)


def test_a_key_does_not_travel_in_the_clear_unless_told() -> None:
    told = EndpointSettings(name="search")
    with pytest.raises(SettingsError, match="search: its key would travel in the clear"):
        Service(settings=told, base_url="http://search.example", headers={"X-API-KEY": PLANTED})
    allowed = Service(settings=told, base_url="http://search.example", headers={"X-API-KEY": PLANTED}, allow_http=True)
    assert PLANTED not in repr(allowed)
