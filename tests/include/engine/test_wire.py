from __future__ import annotations

import errno
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from include.engine.wire import Wire, WireClosed
from tests.include.engine.child_transforms import Poison

Ends = tuple[Wire, Wire]


@pytest.fixture
def ends() -> Iterator[Ends]:
    left, right = socket.socketpair()
    wires = Wire(left), Wire(right)
    yield wires
    for wire in wires:
        wire.close()


def test_messages_come_whole_and_in_order_whatever_their_size(ends: Ends) -> None:
    messages = [b"x" * size for size in (0, 1, 300_000, 7, 3_000_000, 8)]
    for message in messages:
        ends[0].post(message)
    heard: list[bytes] = []
    listener = threading.Thread(target=lambda: heard.extend(ends[1].receive() for _ in messages), daemon=True)
    listener.start()
    with pytest.raises(TimeoutError):  # nothing is said; what is left goes out meanwhile
        ends[0].receive(time.monotonic() + 1)
    listener.join(5)
    assert heard == messages


def test_two_ends_that_talk_at_the_same_time_do_not_wait_for_each_other(ends: Ends) -> None:
    """Each posts more than a socket holds before it listens."""
    heard: list[int] = []

    def talk(wire: Wire) -> None:
        for _ in range(5):
            wire.post(b"x" * 1_000_000)
        heard.extend(len(wire.receive(time.monotonic() + 5)) for _ in range(5))
        wire.send("the end")

    threads = [threading.Thread(target=talk, args=(wire,), daemon=True) for wire in ends]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert heard == [1_000_000] * 10


def test_what_was_said_before_the_other_side_went_is_heard(ends: Ends) -> None:
    ends[1].post("unread")
    ends[0].post("last words")
    ends[0].close()
    ends[1].post("into the void")
    assert ends[1].receive() == "last words"
    with pytest.raises(WireClosed):
        ends[1].receive()


def test_what_has_come_is_in_time_however_late_one_looks(ends: Ends) -> None:
    ends[0].post("early")
    past = time.monotonic() - 1
    assert ends[1].receive(past) == "early"
    with pytest.raises(TimeoutError):
        ends[1].receive(past)


def test_half_a_message_is_none(ends: Ends) -> None:
    ends[0]._end.send(b"\0\0\0\0\0\0\0\x09half")
    with pytest.raises(TimeoutError):
        ends[1].receive(time.monotonic() + 0.05)


@pytest.mark.parametrize("code", [errno.ENOBUFS, errno.ENOMEM])
def test_what_the_system_has_no_memory_for_is_sent_later(
    ends: Ends, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Short:
        def __init__(self, end: socket.socket) -> None:
            self.end, self.refusals = end, 3

        def __getattr__(self, name: str) -> Any:
            if name in {"send", "sendmsg"} and self.refusals:
                self.refusals -= 1
                raise OSError(code, "no memory")
            return getattr(self.end, name)

    monkeypatch.setattr(ends[0], "_end", Short(ends[0]._end))
    ends[0].send("late")
    assert ends[1].receive(time.monotonic() + 1) == "late"


def test_a_wire_that_cannot_send_says_so_to_who_listens(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> int:
        raise OSError(errno.EMSGSIZE, "too long")

    class Refusing:
        sendmsg = send = staticmethod(refuse)

    monkeypatch.setattr(ends[0], "_end", Refusing())
    ends[0].post("never")
    with pytest.raises(WireClosed):
        ends[0].receive()


def test_a_message_that_does_not_unpickle_is_heard_once(ends: Ends) -> None:
    ends[0].post(Poison())
    ends[0].post("next")
    with pytest.raises(ValueError, match="secret"):
        ends[1].receive()
    assert ends[1].receive() == "next"


def test_an_order_larger_than_the_socket_goes_out_while_one_waits_to_hear(ends: Ends) -> None:
    answered = threading.Thread(target=lambda: ends[1].post(len(ends[1].receive())), daemon=True)
    answered.start()
    ends[0].post("x" * 2_000_000)
    deadline = time.monotonic() + 5
    while not ends[0].is_heard(0.2):
        assert time.monotonic() < deadline
    assert ends[0].receive() == 2_000_000


def test_what_is_held_goes_out_in_order_with_the_next_message_or_when_one_listens(ends: Ends) -> None:
    ends[0].hold(1)
    ends[0].hold(2)
    with pytest.raises(TimeoutError):
        ends[1].receive(time.monotonic())
    ends[0].post(3)
    assert [ends[1].receive(time.monotonic() + 1) for _ in range(3)] == [1, 2, 3]
    ends[0].hold(4)
    with pytest.raises(TimeoutError):
        ends[0].receive(time.monotonic())
    assert ends[1].receive(time.monotonic() + 1) == 4
    assert ends[0].held == 0
