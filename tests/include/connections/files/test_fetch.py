from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from include.connections.files.location import RemoteFile
from include.connections.files.opening import opened
from include.engine.errors import RecordRejected, TransientError

BODY = b"%PDF-1.7 " + b"x" * 500_000
ETAG = '"abc"'


class Store(BaseHTTPRequestHandler):
    """Behaves as the last part of the path says, after the signature that must not be seen."""

    seen: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        self.seen.append(self.headers.get("If-Match"))
        order = self.path.partition("?")[0].strip("/")
        getattr(self, f"answer_{order}", lambda: self.answer_status(int(order)))()

    def answer_status(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def answer_whole(self) -> None:
        self.answer_body(BODY)

    def answer_short(self) -> None:
        self.answer_body(BODY[:1000])

    def answer_other_etag(self) -> None:
        self.answer_body(BODY, '"def"')

    def answer_longer(self) -> None:
        self.answer_body(BODY + b"y", length=None)

    def answer_shorter(self) -> None:
        self.answer_body(BODY[:-1], length=None)

    def answer_other_length(self) -> None:
        self.answer_body(BODY + b"y", length=len(BODY) + 1)

    def answer_body(self, body: bytes, etag: str = ETAG, length: int | None = len(BODY)) -> None:
        self.send_response(200)
        self.send_header("ETag", etag)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)

    def answer_slow_down(self) -> None:
        self.answer_status(503, Retry_After="7")

    def answer_redirect(self) -> None:
        self.answer_status(302, Location="/whole")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def store() -> Iterator[Callable[[str], RemoteFile]]:
    Store.seen.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Store) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield lambda order: RemoteFile(
            f"http://127.0.0.1:{server.server_port}/{order}?X-Amz-Signature=secret", ETAG, len(BODY)
        )
        server.shutdown()


def test_an_object_is_fetched_whole_pinned_by_its_etag(store: Callable[[str], RemoteFile]) -> None:
    with opened(store("whole")) as file:
        assert file.read() == BODY
    assert Store.seen[-1] == ETAG


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ("401", "file.denied"),
        ("403", "file.denied"),
        ("404", "file.missing"),
        ("410", "file.missing"),
        ("412", "file.source_changed"),
        ("400", "file.refused"),
        ("redirect", "file.refused"),
        ("other_etag", "file.source_changed"),
        ("other_length", "file.source_changed"),
        ("longer", "file.source_changed"),
    ],
)
def test_what_no_retry_mends_is_rejected(store: Callable[[str], RemoteFile], order: str, code: str) -> None:
    with pytest.raises(RecordRejected) as caught, opened(store(order)):
        pass
    assert caught.value.code == code
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("order", ["408", "429", "500", "502", "503", "504", "short", "shorter"])
def test_throttling_errors_of_the_server_and_a_body_cut_short_are_transient(
    store: Callable[[str], RemoteFile], order: str
) -> None:
    with pytest.raises(TransientError) as caught, opened(store(order)):
        pass
    assert "secret" not in str(caught.value)


def test_the_wait_that_the_store_asks_for_is_kept(store: Callable[[str], RemoteFile]) -> None:
    with pytest.raises(TransientError) as caught, opened(store("slow_down")):
        pass
    assert caught.value.retry_after_s == 7


def test_a_store_that_is_not_there_is_transient(store: Callable[[str], RemoteFile]) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Store) as server:
        port = server.server_port
    with pytest.raises(TransientError), opened(RemoteFile(f"http://127.0.0.1:{port}/", ETAG, 9)):
        pass


def test_what_is_no_http_is_not_asked_for(store: Callable[[str], RemoteFile]) -> None:
    asked = len(Store.seen)
    with (
        pytest.raises(RecordRejected, match=r"file\.denied"),
        opened(RemoteFile("file:///etc/hosts", ETAG, 9)),
    ):
        pass
    assert len(Store.seen) == asked


def test_a_url_is_not_shown_with_its_location(store: Callable[[str], RemoteFile]) -> None:
    assert "secret" not in repr(store("whole"))
