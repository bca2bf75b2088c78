from __future__ import annotations

import gzip
import itertools
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from include.engine.errors import BatchStopped, FatalError, SettingsError, TransientError
from include.pipelines.fhir.client.client import FHIRClient
from include.pipelines.fhir.client.search import Search
from include.pipelines.fhir.client.settings import FhirSettings
from tests.fixtures.clocks import QuickClock
from tests.fixtures.loopback import Received, Reply, fhir
from tests.include.pipelines.fhir.client.conftest import Serve

Connect = Callable[..., FHIRClient]
LOGIN = {"kind": "bearer", "token": "s3cret"}
PATIENTS = Search(resource_type="Patient")
ONE = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": {"resourceType": "Patient", "id": "1"}}]}


def dripping(pieces: Iterator[bytes]) -> Reply:
    return Reply(200, pieces, {"Content-Type": "application/fhir+json"})


def test_an_answer_larger_than_the_bound_is_an_error_that_names_it(serve: Serve, connect: Connect) -> None:
    server = serve(lambda _: fhir({**ONE, "padding": "x" * 5000}))
    with pytest.raises(FatalError, match=r"GET /fhir/Patient\?_count: the answer is larger than 4,096 bytes"):
        connect(server.base, max_page_bytes=4096).search(PATIENTS)
    assert len(server.received) == 1


def test_the_bound_counts_what_was_packed(serve: Serve, connect: Connect) -> None:
    packed = gzip.compress(json.dumps({**ONE, "padding": "x" * 100_000}).encode())
    headers = {"Content-Type": "application/fhir+json", "Content-Encoding": "gzip"}
    server = serve(lambda _: Reply(200, packed, headers))
    assert len(packed) < 4096
    with pytest.raises(FatalError, match="larger than"):
        connect(server.base, max_page_bytes=4096).search(PATIENTS)
    assert len(connect(server.base).search(PATIENTS).entries) == 1


def test_an_endless_answer_ends_at_the_bound(serve: Serve, connect: Connect) -> None:
    server = serve(lambda _: dripping(itertools.repeat(b" " * 1000)))
    with pytest.raises(FatalError, match="larger than"):
        connect(server.base, max_page_bytes=100_000).search(PATIENTS)


def test_an_answer_that_drips_ends_at_its_time(serve: Serve, connect: Connect, clock: QuickClock) -> None:
    def drip() -> Iterator[bytes]:
        for _ in range(100):
            clock.pause(1)
            yield b" "

    server = serve(lambda _: dripping(drip()))
    with pytest.raises(TransientError, match="took longer than 20 s"):
        connect(server.base, exchange_timeout_s=20, tries=1).search(PATIENTS)


def test_silence_ends_at_the_read_timeout(serve: Serve, connect: Connect) -> None:
    over = threading.Event()

    def silent(_: Received) -> Reply:
        over.wait(30)
        return fhir(ONE)

    server = serve(silent)
    try:
        with pytest.raises(TransientError, match="ReadTimeout"):
            connect(server.base, read_timeout_s=0.05).search(PATIENTS)
        assert len(server.received) == 3
    finally:
        over.set()


def test_a_server_that_is_not_there_is_tried_and_told(serve: Serve, connect: Connect, clock: QuickClock) -> None:
    server = serve(lambda _: fhir(ONE))
    server.stop()
    with pytest.raises(TransientError, match=r"ConnectError: .*refused"):
        connect(server.base, connect_timeout_s=1).search(PATIENTS)
    assert len(clock.slept) == 2


def test_a_stop_ends_a_wait_between_tries_at_once(serve: Serve) -> None:
    stop = threading.Event()

    def busy(_: Received) -> Reply:
        stop.set()
        return Reply(503, b"", {"Retry-After": "100"})

    with FHIRClient(FhirSettings(base_url=serve(busy).base), stop=stop) as client, pytest.raises(BatchStopped):
        client.search(PATIENTS)


def test_a_stop_ends_an_answer_that_drips(serve: Serve) -> None:
    stop = threading.Event()

    def drip() -> Iterator[bytes]:
        stop.set()
        yield from itertools.repeat(b" ", 10_000)

    server = serve(lambda _: dripping(drip()))
    with FHIRClient(FhirSettings(base_url=server.base), stop=stop) as client, pytest.raises(BatchStopped):
        client.search(PATIENTS)


def test_connections_are_kept_and_no_more_than_the_pool_are_open(serve: Serve, connect: Connect) -> None:
    threads: set[int] = set()

    def note(_: Received) -> Reply:
        threads.add(threading.get_ident())  # the server has a thread a connection
        return fhir({"resourceType": "Patient", "id": "1"})

    client = connect(serve(note).base, pool_size=3)
    workers = [threading.Thread(target=lambda: [client.read("Patient", "1") for _ in range(20)]) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(threads) <= 3


def test_credentials_go_to_the_servers_origin_only(serve: Serve, connect: Connect) -> None:
    other = serve(lambda _: fhir(ONE))
    next_link = {"relation": "next", "url": f"{other.base}/Patient?page=2"}
    own = serve(lambda _: fhir({**ONE, "entry": [], "link": [next_link]}))
    found = list(connect(own.base, auth=LOGIN).search_all(PATIENTS))
    assert len(found) == 1
    assert [request.headers.get("authorization") for request in own.received] == ["Bearer s3cret"]
    assert [request.headers.get("authorization") for request in other.received] == [None]


def test_credentials_go_to_an_origin_that_is_named_as_trusted(serve: Serve, connect: Connect) -> None:
    other = serve(lambda _: fhir(ONE))
    next_link = {"relation": "next", "url": f"{other.base}/Patient?page=2"}
    own = serve(lambda _: fhir({**ONE, "link": [next_link]}))
    list(connect(own.base, auth=LOGIN, trusted_origins=[other.origin]).search_all(PATIENTS))
    assert [request.headers.get("authorization") for request in other.received] == ["Bearer s3cret"]


def test_a_redirect_does_not_take_credentials_along(serve: Serve, connect: Connect) -> None:
    other = serve(lambda _: fhir(ONE))
    own = serve(lambda request: Reply(307, b"", {"Location": f"{other.origin}{request.target}"}))
    connect(own.base, auth=LOGIN).search(PATIENTS)
    assert "authorization" in own.received[0].headers
    assert "authorization" not in other.received[0].headers


def test_redirects_are_bounded(serve: Serve, connect: Connect) -> None:
    server = serve(lambda request: Reply(302, b"", {"Location": request.target}))
    with pytest.raises(FatalError, match="redirected more than 5 times"):
        connect(server.base).search(PATIENTS)
    assert len(server.received) == 6


def test_another_origin_that_wants_credentials_is_an_error_with_the_fix(serve: Serve, connect: Connect) -> None:
    other = serve(lambda _: Reply(401))
    next_link = {"relation": "next", "url": f"{other.base}/Patient?page=2"}
    own = serve(lambda _: fhir({**ONE, "link": [next_link]}))
    with pytest.raises(FatalError, match=rf"{other.origin} gets no credentials.*trusted_origins"):
        list(connect(own.base, auth=LOGIN).search_all(PATIENTS))


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_authorities_that_cannot_be_read_are_told_before_work_starts(
    connect: Connect, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(SettingsError, match=r"ca_file .*ca\.pem cannot be read as PEM certificates"):
        connect("https://127.0.0.1:1/fhir", ca_file=file)


def test_cookies_are_not_kept(serve: Serve, connect: Connect) -> None:
    server = serve(lambda _: fhir(ONE, Set_Cookie="session=s3cret; Path=/"))
    client = connect(server.base)
    client.search(PATIENTS)
    client.search(PATIENTS)
    assert [request.headers.get("cookie") for request in server.received] == [None, None]


def test_an_opaque_next_link_arrives_as_it_was_written(serve: Serve, connect: Connect) -> None:
    written = "/fhir?_getpages=a%2Bb%7Cc%20d;e=f&x=%E4+%25"

    def page(request: Received) -> Reply:
        link = (
            []
            if request.target == written
            else [{"relation": "next", "url": f"http://{request.headers['host']}{written}"}]
        )
        return fhir({**ONE, "link": link})

    server = serve(page)
    list(connect(server.base).search_all(PATIENTS))
    assert server.received[1].target == written
