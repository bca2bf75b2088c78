from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from include.engine.exchange import Exchange
from include.engine.model import Record
from include.engine.wire import Wire, WireClosed


class Process:
    """The other side, which answers when it is told to."""

    def __init__(self, end: socket.socket) -> None:
        self.wire = Wire(end)

    def answer(self, number: int) -> None:
        asked, key, *_ = self.wire.receive(time.monotonic() + 1)
        assert asked == number
        self.wire.send((asked, "rows", key))


@pytest.fixture
def process() -> Iterator[Process]:
    yield (process := Process(SOCKETS.pop()))
    process.wire.close()


SOCKETS: list[socket.socket] = []


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    ours, theirs = socket.socketpair()
    SOCKETS.append(theirs)
    wire = Wire(ours)
    yield Exchange(wire)
    wire.close()


def test_answers_go_to_their_questions_and_may_be_asked_for_later(exchange: Exchange, process: Process) -> None:
    numbers = [exchange.ask(Record(key, None, size=10)) for key in "abc"]
    for number in numbers:
        process.answer(number)
    assert exchange.answer(numbers[2], 1)[:2] == ("rows", "c")
    assert exchange.answer(numbers[0], 1)[:2] == ("rows", "a")
    assert (exchange.under_way, exchange.bytes_under_way, exchange.oldest) == (0, 0, None)
    assert exchange.answer(numbers[1], 1)[:2] == ("rows", "b")


def test_rows_come_with_the_bytes_of_their_answer_and_errors_without(exchange: Exchange, process: Process) -> None:
    numbers = [exchange.ask(Record(key, None)) for key in ("x" * 50_000, "b")]
    process.answer(numbers[0])
    process.wire.receive(time.monotonic() + 1)
    process.wire.send((numbers[1], "rejected", "test.bad", "field x is bad"))
    kind, rows, size = exchange.answer(numbers[0], 1)
    assert (kind, len(rows)) == ("rows", 50_000)
    assert 50_000 < size < 50_100
    assert exchange.answer(numbers[1], 1) == ("rejected", "test.bad", "field x is bad")


def test_forgotten_answers_are_dropped_whether_they_have_come_or_not(exchange: Exchange, process: Process) -> None:
    numbers = [exchange.ask(Record(key, None)) for key in "abcd"]
    process.answer(numbers[0])
    process.answer(numbers[1])
    exchange.answer(numbers[1], 1)
    exchange.forget(numbers[0])
    exchange.forget(numbers[2])
    process.answer(numbers[2])
    process.answer(numbers[3])
    assert exchange.answer(numbers[3], 1)[:2] == ("rows", "d")
    assert not exchange._answers
    assert not exchange._forgotten


def test_a_record_has_its_time_from_when_it_is_the_oldest(exchange: Exchange, process: Process) -> None:
    first, second = (exchange.ask(Record(key, None)) for key in "ab")
    time.sleep(0.3)
    process.answer(first)
    exchange.answer(first, 0.2)  # it has come, however late one looks
    with pytest.raises(TimeoutError):
        exchange.answer(second, 0.2)
    assert exchange.oldest == second


def test_the_time_in_which_nobody_listens_is_not_the_records(exchange: Exchange, process: Process) -> None:
    number = exchange.ask(Record("a", None))
    time.sleep(0.3)
    late = threading.Timer(0.1, process.answer, [number])
    late.start()
    assert exchange.answer(number, 0.2)[:2] == ("rows", "a")
    late.join()


def test_who_is_the_oldest_is_the_cause_of_an_end(exchange: Exchange, process: Process) -> None:
    first, second = (exchange.ask(Record(key, None)) for key in "ab")
    process.answer(first)
    process.wire.close()
    with pytest.raises(WireClosed):
        exchange.answer(second, None)
    assert exchange.oldest == second


def test_a_payload_that_does_not_pickle_is_no_question(exchange: Exchange, process: Process) -> None:
    with pytest.raises(Exception, match="pickle"):
        exchange.ask(Record("a", lambda: None))
    assert (exchange.asked, exchange.under_way) == (0, 0)
    number = exchange.ask(Record("b", None))
    process.answer(number)
    assert exchange.answer(number, 1)[:2] == ("rows", "b")


def test_short_questions_go_out_together_while_the_process_has_others(exchange: Exchange, process: Process) -> None:
    numbers = [exchange.ask(Record(key, None, size=10)) for key in range(30)]
    sent = [process.wire.receive(time.monotonic() + 1)[0] for _ in range(27)]
    with pytest.raises(TimeoutError):
        process.wire.receive(time.monotonic())
    assert sent == numbers[:27]
    for number in sent:
        process.wire.send((number, "rows", None))
    answers = threading.Thread(target=lambda: [process.answer(number) for number in numbers[27:]])
    answers.start()
    assert [exchange.answer(number, 1)[:2] for number in numbers] == [("rows", None)] * 27 + [
        ("rows", key) for key in range(27, 30)
    ]
    answers.join()


def test_a_large_question_goes_at_once_and_after_those_that_were_held(exchange: Exchange, process: Process) -> None:
    numbers = [exchange.ask(Record(key, None, size=10)) for key in range(30)]
    numbers.append(exchange.ask(Record(30, "x" * 100_000, size=100_000)))
    assert [process.wire.receive(time.monotonic() + 1)[0] for _ in numbers] == numbers
