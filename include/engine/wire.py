"""Length-prefixed pickles between the engine and its worker processes, over a socket pair."""

from __future__ import annotations

import errno
import pickle
import select
import socket
import struct
import time
from typing import Any

_LENGTH = struct.Struct("!Q")
_BUFFER_BYTES = 512 * 1024
_ROOM_BYTES = 64 * 1024
SHORT_OF_MEMORY_S = 0.005


class WireClosed(Exception):
    """The other side is gone."""


class Wire:
    """One end of the conversation. One thread at a time; owns its socket.

    What is held, and what a `post` cannot send at once, waits here, and goes out while the other side is listened to:
    so two ends that talk at the same time never wait for each other.
    Unpickling executes what the other side says: both ends are this program, on a socket that has no name.
    """

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._end = end
        # What was heard and not yet read lies in here; it is kept, since to allocate much costs more than to copy it.
        self._buffer = bytearray(_BUFFER_BYTES)
        self._first = 0
        self._beyond = 0
        self._failed = False
        self._unsent = bytearray()
        self._poll = select.poll()
        self._poll.register(end, select.POLLIN)
        self.held = 0
        """Messages that wait for the next call to the system."""
        self.received_bytes = 0
        """Of the last message that was received."""

    @property
    def has_message(self) -> bool:
        """Whether `receive` would give one without a call to the system."""
        return self._end_of_message() is not None

    def hold(self, message: Any) -> None:  # noqa: ANN401 - whatever pickles
        """Send it with what comes next, or when somebody listens: a call to the system costs more than a short text."""
        body = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
        self._unsent += _LENGTH.pack(len(body))
        self._unsent += body
        self.held += 1

    def flush(self) -> None:
        """Send of what is held what goes out at once."""
        if self._unsent:
            self._send_rest()

    def post(self, message: Any) -> None:  # noqa: ANN401 - whatever pickles
        """Send what goes out at once, and never wait; that the other side is gone, `receive` will tell."""
        body = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
        length = _LENGTH.pack(len(body))
        sent = 0
        self.flush()
        if not self._unsent:
            try:
                sent = self._end.sendmsg([length, body])
            except OSError as error:
                if self._is_lost(error):
                    return
        if sent < len(length):
            self._unsent += length[sent:]
        if sent < len(length) + len(body):
            self._unsent += memoryview(body)[max(0, sent - len(length)) :]

    def send(self, message: Any) -> None:  # noqa: ANN401 - whatever pickles
        """Send all of it, however long the other side takes; that it is gone, `receive` will tell."""
        self.post(message)
        while self._unsent:
            self._wait(select.POLLOUT, None)
            self._send_rest()

    def receive(self, deadline: float | None = None) -> Any:  # noqa: ANN401 - whatever was pickled
        """The next message. Waits until `deadline` (monotonic), for what has not come yet.

        Raises `TimeoutError`, `WireClosed`.
        """
        while (end := self._end_of_message()) is None:
            self.flush()
            if not self._hear():
                self._wait(select.POLLIN | (select.POLLOUT if self._unsent else 0), deadline)
        body = slice(self._first + _LENGTH.size, end)
        # Before it is read: a message that does not unpickle must not be heard again.
        self._first = end
        self.received_bytes = body.stop - body.start
        with memoryview(self._buffer) as buffer, buffer[body] as message:
            return pickle.loads(message)  # noqa: S301 - see the class

    def is_heard(self, timeout_s: float) -> bool:
        """Whether the other side says something, or goes, within the time."""
        self._poll.modify(self._end, select.POLLIN | (select.POLLOUT if self._unsent else 0))
        events = [event for _, event in self._poll.poll(timeout_s * 1000)]
        if self._unsent and any(event & select.POLLOUT for event in events):
            self._send_rest()
        return any(event & ~select.POLLOUT for event in events)

    def close(self) -> None:
        """Close the socket; the other side reads the end of the file."""
        self._end.close()

    def _end_of_message(self) -> int | None:
        end = self._first + self._needed
        return end if self._beyond >= end else None

    @property
    def _needed(self) -> int:
        """Bytes of the next message, as far as is known."""
        if self._beyond - self._first < _LENGTH.size:
            return _LENGTH.size
        return _LENGTH.size + int(_LENGTH.unpack_from(self._buffer, self._first)[0])

    def _hear(self) -> bool:
        """Take what has come; False when that is nothing."""
        if self._failed:
            raise WireClosed
        self._make_room()
        try:
            with memoryview(self._buffer) as buffer, buffer[self._beyond :] as room:
                count = self._end.recv_into(room)
        except BlockingIOError:
            return False
        except OSError:
            raise WireClosed from None
        if not count:
            raise WireClosed
        self._beyond += count
        return True

    def _make_room(self) -> None:
        """For the next message, and for some more."""
        if self._first == self._beyond:
            self._first = self._beyond = 0
            if len(self._buffer) > _BUFFER_BYTES:  # a large message is over
                self._buffer = bytearray(_BUFFER_BYTES)
        room, needed = len(self._buffer) - self._beyond, self._needed
        if room >= _ROOM_BYTES and self._first + needed <= len(self._buffer):
            return
        heard = self._buffer[self._first : self._beyond]
        if needed + _ROOM_BYTES > len(self._buffer):
            try:
                self._buffer = bytearray(needed + _ROOM_BYTES)
            except (MemoryError, OverflowError):
                # No room for it, or no length at all: nothing behind it can ever be heard.
                raise WireClosed from None
        self._buffer[: len(heard)] = heard
        self._first, self._beyond = 0, len(heard)

    def _send_rest(self) -> None:
        try:
            count = self._end.send(self._unsent)
        except OSError as error:
            # Whatever the other side said before it went may still be heard.
            count = len(self._unsent) if self._is_lost(error) else 0
        del self._unsent[:count]
        self.held = 0

    def _is_lost(self, error: OSError) -> bool:
        """Whether nothing can be sent any more; else it can later."""
        if isinstance(error, BlockingIOError):
            return False
        if error.errno in (errno.ENOBUFS, errno.ENOMEM):
            time.sleep(SHORT_OF_MEMORY_S)
            return False
        if not isinstance(error, ConnectionError):
            self._failed = True
        return True

    def _wait(self, events: int, deadline: float | None) -> None:
        left_ms = None if deadline is None else (deadline - time.monotonic()) * 1000
        if left_ms is not None and left_ms <= 0:
            raise TimeoutError
        self._poll.modify(self._end, events)
        if not self._poll.poll(left_ms):
            raise TimeoutError
