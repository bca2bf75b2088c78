from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from include.connections.http.clock import Clock
from include.connections.http.exchange import NotProcessed, Request
from include.connections.http.pool import AnswerTooLarge, HttpPool, PoolSettings
from include.engine.errors import BatchStopped, TransientError
from include.sandbox.web_apis import API_KEY, WebApis
from include.sandbox.web_apis_behaviour import Behaviour
from tests.fixtures.loopback import Received, Reply, loopback

PLANTED = "zyxwvut-planted"


@pytest.fixture(scope="module")
def pool() -> Iterator[HttpPool]:
    made = HttpPool(PoolSettings(connections=300))
    yield made
    made.close()


@pytest.fixture
def clock() -> Clock:
    return Clock(threading.Event())


def request(url: str, **parts: object) -> Request:
    told = {"method": "GET", "max_bytes": 10_000, "timeout_s": 20.0, **parts}
    return Request(url=httpx2.URL(url), **told)  # type: ignore[arg-type]


def test_three_hundred_threads_share_one_pool_and_wait_at_the_same_time(pool: HttpPool, clock: Clock) -> None:
    def call(number: int) -> int:
        content = f'{{"q": "c{number}.example"}}'.encode()
        headers = {"X-API-KEY": API_KEY}
        return pool.send(
            request(f"{apis.origin}/search", method="POST", headers=headers, content=content), clock
        ).status

    with WebApis(Behaviour(latency_s=1.0)) as apis, ThreadPoolExecutor(300) as threads:
        statuses = list(threads.map(call, range(600)))
    assert statuses == [200] * 600
    assert apis.log.open_at_most("search") >= 200


def test_connections_are_kept(pool: HttpPool, clock: Clock) -> None:
    threads: set[int] = set()

    def note(_: Received) -> Reply:
        threads.add(threading.get_ident())  # the server has a thread a connection
        return Reply(200, b"{}")

    with loopback(note) as server:
        for _ in range(5):
            pool.send(request(server.origin), clock)
    assert len(threads) == 1


def test_a_redirect_is_an_answer_and_is_not_followed(pool: HttpPool, clock: Clock) -> None:
    with loopback(lambda got: Reply(307, b"", {"Location": got.target})) as server:
        assert pool.send(request(server.origin, method="POST"), clock).status == 307
    assert len(server.received) == 1


def test_silence_ends_with_the_time_of_the_whole_answer(pool: HttpPool, clock: Clock) -> None:
    over = threading.Event()

    def silent(_: Received) -> Reply:
        over.wait(30)
        return Reply()

    with loopback(silent) as server:
        try:
            with pytest.raises(TransientError, match=r"^search: ReadTimeout$"):
                pool.send(request(f"{server.origin}/{PLANTED}", timeout_s=0.05, shown_as="search"), clock)
        finally:
            over.set()


def test_an_answer_that_is_too_large_is_told_by_its_bound(pool: HttpPool, clock: Clock) -> None:
    with (
        loopback(lambda _: Reply(200, b"x" * 20_000)) as server,
        pytest.raises(AnswerTooLarge, match=r"GET /a: the answer is larger than 10,000 bytes"),
    ):
        pool.send(request(f"{server.origin}/a"), clock)


def test_what_was_never_sent_is_told_apart(pool: HttpPool, clock: Clock) -> None:
    with loopback(lambda _: Reply()) as server:
        origin = server.origin
    with pytest.raises(NotProcessed, match="ConnectError"):
        pool.send(request(origin), clock)


def test_nothing_is_sent_after_a_stop(pool: HttpPool) -> None:
    stop = threading.Event()
    stop.set()
    with loopback(lambda _: Reply()) as server, pytest.raises(BatchStopped):
        pool.send(request(server.origin), Clock(stop))
    assert server.received == []


def test_neither_headers_nor_body_show_in_a_repr() -> None:
    told = request("http://127.0.0.1/a", headers={"X-API-KEY": PLANTED}, content=PLANTED.encode())
    assert PLANTED not in repr(told)


def test_each_thread_finds_its_connections_to_two_services_again(clock: Clock) -> None:
    seen: dict[str, set[int]] = {"/one": set(), "/two": set()}
    together = threading.Barrier(6)

    def note(asked: Received) -> Reply:
        seen[asked.path].add(threading.get_ident())  # the server has a thread a connection
        return Reply(200, b"{}")

    def call(_: int) -> None:
        together.wait(20)
        for path in ("/one", "/two") * 10:
            many.send(request(f"{origins[path]}{path}"), clock)

    with loopback(note) as one, loopback(note) as two, ThreadPoolExecutor(6) as threads:
        origins = {"/one": one.origin, "/two": two.origin}
        many = HttpPool(PoolSettings(connections=20))
        try:
            list(threads.map(call, range(6)))
        finally:
            many.close()
    assert max(map(len, seen.values())) <= 6
