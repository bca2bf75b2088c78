from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from include.engine.errors import RecordRejected, TransientError
from include.pipelines.pdf.content.location import RemoteFile
from include.pipelines.pdf.content.open_content import open_content

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
    with open_content(store("whole"), 10**6) as content:
        assert (content.size, content.sha256) == (len(BODY), hashlib.sha256(BODY).hexdigest())
        assert content.file.read() == BODY
    assert Store.seen[-1] == ETAG


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ("401", "pdf.denied"),
        ("403", "pdf.denied"),
        ("404", "pdf.missing"),
        ("410", "pdf.missing"),
        ("412", "pdf.source_changed"),
        ("400", "pdf.refused"),
        ("redirect", "pdf.refused"),
        ("other_etag", "pdf.source_changed"),
        ("other_length", "pdf.source_changed"),
        ("longer", "pdf.source_changed"),
    ],
)
def test_what_no_retry_mends_is_rejected(store: Callable[[str], RemoteFile], order: str, code: str) -> None:
    with pytest.raises(RecordRejected) as caught, open_content(store(order), 10**6):
        pass
    assert caught.value.code == code
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("order", ["408", "429", "500", "502", "503", "504", "short", "shorter"])
def test_throttling_errors_of_the_server_and_a_body_cut_short_are_transient(
    store: Callable[[str], RemoteFile], order: str
) -> None:
    with pytest.raises(TransientError) as caught, open_content(store(order), 10**6):
        pass
    assert "secret" not in str(caught.value)


def test_the_wait_that_the_store_asks_for_is_kept(store: Callable[[str], RemoteFile]) -> None:
    with pytest.raises(TransientError) as caught, open_content(store("slow_down"), 10**6):
        pass
    assert caught.value.retry_after_s == 7


def test_a_store_that_is_not_there_is_transient(store: Callable[[str], RemoteFile]) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Store) as server:
        port = server.server_port
    with pytest.raises(TransientError), open_content(RemoteFile(f"http://127.0.0.1:{port}/", ETAG, 9), 10**6):
        pass


def test_what_is_too_large_or_no_http_is_not_asked_for(store: Callable[[str], RemoteFile]) -> None:
    asked = len(Store.seen)
    with pytest.raises(RecordRejected, match=r"pdf\.too_large"), open_content(store("whole"), 1000):
        pass
    with (
        pytest.raises(RecordRejected, match=r"pdf\.denied"),
        open_content(RemoteFile("file:///etc/hosts", ETAG, 9), 1000),
    ):
        pass
    assert len(Store.seen) == asked


def test_a_url_is_not_shown_with_its_location(store: Callable[[str], RemoteFile]) -> None:
    assert "secret" not in repr(store("whole"))
