"""Length-prefixed pickles between the engine and its worker processes, over a socket pair."""

from __future__ import annotations

import pickle
import select
import socket
import struct
import time
from typing import Any

_LENGTH = struct.Struct("!Q")


class WireClosed(Exception):
    """The other side is gone."""


class Wire:
    """One end of the conversation. One thread at a time; owns its socket.

    Unpickling executes what the other side says: both ends are this program, on a socket that has no name.
    """

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def send(self, message: Any, deadline: float | None = None) -> None:  # noqa: ANN401 - whatever pickles
        """Send all of it by `deadline` on the monotonic clock; raises `TimeoutError`, `WireClosed`."""
        body = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
        try:
            self._end.settimeout(_left(deadline))
            self._end.sendall(_LENGTH.pack(len(body)) + body)
        except (BrokenPipeError, ConnectionError):
            raise WireClosed from None

    def receive(self, deadline: float | None = None) -> Any:  # noqa: ANN401 - whatever was pickled
        """Wait for the next message until `deadline` on the monotonic clock; raises `TimeoutError`, `WireClosed`."""
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size, deadline))
        return pickle.loads(self._read(length, deadline))  # noqa: S301 - see the class

    def is_heard(self, timeout_s: float) -> bool:
        """Whether the other side says something, or goes, within the time."""
        poll = select.poll()
        poll.register(self._end, select.POLLIN)
        return bool(poll.poll(timeout_s * 1000))

    def close(self) -> None:
        """Close the socket; the other side reads the end of the file."""
        self._end.close()

    def _read(self, length: int, deadline: float | None) -> bytearray:
        body = bytearray(length)
        view, filled = memoryview(body), 0
        while filled < length:
            try:
                self._end.settimeout(_left(deadline))
                count = self._end.recv_into(view[filled:])
            except (ConnectionError, OSError) as error:
                if isinstance(error, TimeoutError):
                    raise
                raise WireClosed from None
            if not count:
                raise WireClosed
            filled += count
        return body


def _left(deadline: float | None) -> float | None:
    if deadline is None:
        return None
    left_s = deadline - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    return left_s
