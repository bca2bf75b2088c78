"""Fetches a remote file into a bounded file, pinned by its ETag."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from email.message import Message
from typing import IO, Any, BinaryIO
from urllib.parse import urlsplit

from include.connections.files.location import RemoteFile
from include.engine.errors import RecordRejected, TransientError

CHUNK_BYTES = 256 * 1024
SOCKET_TIMEOUT_S = 30.0
"""The longest silence of the other side; the record's own deadline bounds the whole."""

_PERMANENT = {
    401: ("file.denied", "the store refused the request (401): renew the connection's credentials"),
    403: ("file.denied", "the store refused the request (403): allow the connection to read it, or the link ran out"),
    404: ("file.missing", "the store has no object of this name (404)"),
    410: ("file.missing", "the store has no object of this name any more (410)"),
    412: ("file.source_changed", "the object has another ETag than when it was planned (412): run it again"),
}
_AGAIN = {408, 425, 429, 500, 502, 503, 504}


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would lead to a host that nobody allowed."""

    def redirect_request(  # noqa: PLR0917 - the standard library's signature
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        del req, fp, code, msg, headers, newurl


def fetch(location: RemoteFile, file: BinaryIO) -> None:
    """Write the object to `file`, no byte more than its size. After a `TransientError` call again with an empty file.

    Raises `RecordRejected` for what no retry mends, `TransientError` for throttling (its `Retry-After` obeyed),
    errors of the server, broken connections and a body cut short.
    """
    if urlsplit(location.url).scheme not in {"http", "https"}:
        raise RecordRejected("file.denied", "files are fetched by http or https")
    headers = {"If-Match": location.etag, "Accept-Encoding": "identity"}
    request = urllib.request.Request(location.url, headers=headers)  # noqa: S310 - the scheme was looked at
    try:
        # The errors' own texts name the URL, which may be a key to the object: none is chained.
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=SOCKET_TIMEOUT_S) as answer:
            _check_pin(location, answer.headers)
            _copy(answer, file, location.size)
    except urllib.error.HTTPError as error:
        error.close()
        raise refusal(error.code, error.headers.get("Retry-After")) from None
    except (http.client.HTTPException, OSError) as error:
        raise TransientError(f"the store did not answer to its end: {type(error).__name__}") from None


def _check_pin(location: RemoteFile, headers: Message) -> None:
    etag, length = headers.get("ETag"), headers.get("Content-Length")
    if (etag is not None and etag != location.etag) or (length is not None and length != str(location.size)):
        raise RecordRejected("file.source_changed", "the object has another ETag or size than planned: run it again")


def _copy(answer: Any, file: BinaryIO, size: int) -> None:  # noqa: ANN401 - the handle is untyped in the standard library
    written = 0
    while chunk := answer.read(CHUNK_BYTES):
        written += len(chunk)
        if written > size:
            raise RecordRejected("file.source_changed", f"the object is larger than the {size} bytes planned")
        file.write(chunk)
    if written < size:
        raise TransientError(f"the body ended after {written} of {size} bytes")


def refusal(status: int, retry_after: str | None = None) -> RecordRejected | TransientError:
    """What a status above 299 means for its file."""
    if status in _AGAIN:
        wait = retry_after or ""
        return TransientError(
            f"the store answered {status}", float(wait) if wait.isascii() and wait.isdigit() else None
        )
    code, message = _PERMANENT.get(status, ("file.refused", f"the store answered {status}"))
    return RecordRejected(code, message)
