"""A worker process: `python -m include.engine.worker_process <socket fd> <life pipe fd>`.

Started with exec, not by `multiprocessing`: a spawned child would import Airflow's main module again,
a forked one would inherit locks of threads that it does not have. Standard output belongs to whatever
the native libraries print; the protocol has its own socket.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import resource
import signal
import socket
import sys
import time
from collections import deque
from typing import NoReturn

from include.engine.bugs import rejection_of
from include.engine.divided import Divided
from include.engine.errors import BatchStopped, FatalError, RecordRejected, RecordSkipped, SettingsError, TransientError
from include.engine.exchange import LEAVE_OUT, Reply
from include.engine.lifeline import hold_on_to_parent
from include.engine.model import Record, taken_apart
from include.engine.ports import Fit, Transform
from include.engine.process_transform import load_transform
from include.engine.wire import Wire, WireClosed

NOT_DONE: Reply = ("skipped", "left out")
"""The answer that nobody looks at."""

LOOK_S = 0.001
"""While questions wait, the process looks at most this often for more: a look costs as much as a short answer."""

EXIT_MEMORY = 83
"""The process met its memory limit; it ends, since what else failed in it is unknown."""


def main(arguments: list[str]) -> None:
    """Serve records until the other side closes."""
    control_fd, life_fd = (int(argument) for argument in arguments)
    for descriptor in (control_fd, life_fd):
        os.set_inheritable(descriptor, False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when its children end
    hold_on_to_parent(life_fd)
    wire = Wire(socket.socket(fileno=control_fd))
    try:
        transform, fit = _start(wire)
        _silence()
        questions = _Questions(wire)
        while True:
            number, record = questions.take()
            _reply(wire, number, NOT_DONE if record is None else _answer(transform, record, fit))
    except WireClosed:
        return
    except MemoryError:
        _end_for_memory()


class _Questions:
    """What was asked and is not answered."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._waiting: deque[tuple[int, Record]] = deque()
        self._left_out: set[int] = set()
        self._looked = 0.0

    def take(self) -> tuple[int, Record | None]:
        """The oldest one, None for its record where nobody wants the answer; waits until there is one."""
        while not self._waiting:
            self._hear(None)
        now = time.monotonic()
        if now - self._looked >= LOOK_S:
            # What waits here may be left out by now.
            self._looked = now
            with contextlib.suppress(TimeoutError):
                while True:
                    self._hear(now)
        number, record = self._waiting.popleft()
        if number not in self._left_out:
            return number, record
        self._left_out.remove(number)
        return number, None

    def _hear(self, deadline: float | None) -> None:
        number, *rest = self._wire.receive(deadline)
        if number != LEAVE_OUT:
            self._waiting.append((number, Record(*rest)))
            return
        # An answer may have crossed this on its way: only what still waits can be left out.
        self._left_out |= {waiting for waiting, _ in self._waiting}.intersection(rest)


def _start(wire: Wire) -> tuple[Transform, Fit | None]:
    """Load transform and fit as the first message says, and say how that went."""
    order = wire.receive()
    sys.path.extend(path for path in order["path"] if path not in sys.path)
    try:
        transform = load_transform(order["factory"], order["config"])
        fit = _fit_of(order["fit"])
    except SettingsError as error:
        wire.send(("fatal", str(error)))
        raise SystemExit(1) from None
    # After the imports: the limit is for what records need. What is loaded counts as used, though.
    if order["memory_limit_bytes"] is not None:
        _limit_memory(order["memory_limit_bytes"])
    gc.freeze()  # what is loaded stays: the collector need not look at it again, amid a record
    wire.send(("ready",))
    return transform, fit


def _fit_of(pickled: bytes) -> Fit | None:
    try:
        fit: Fit | None = pickle.loads(pickled)  # noqa: S301 - as everything on this wire
    except Exception as error:
        raise SettingsError(f"the fit of the rows did not load in a worker process: {type(error).__name__}") from error
    return fit


def _limit_memory(limit_bytes: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    allowed = limit_bytes if hard == resource.RLIM_INFINITY else min(limit_bytes, hard)
    # macOS has the name but refuses the call; there the records' timeout is the only guard.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (allowed, allowed))


def _silence() -> None:
    """From here on native libraries may quote records in what they print: it goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def _answer(transform: Transform, record: Record, fit: Fit | None) -> Reply:
    try:
        rows = transform(record)
        if fit is not None and not isinstance(rows, Divided):
            rows = fit(rows, record.key)
        return ("divided", rows) if isinstance(rows, Divided) else ("rows", *taken_apart(rows))
    except MemoryError:
        _end_for_memory()
    except RecordRejected as error:
        return "rejected", error.code, error.message
    except RecordSkipped as error:
        return "skipped", error.reason
    except TransientError as error:
        return "transient", error.message, error.retry_after_s
    except (FatalError, BatchStopped) as error:
        return "fatal", str(error)
    except Exception as error:  # noqa: BLE001 - isolation: what a record raises concerns it alone
        bug = rejection_of(error)
        return "rejected", bug.code, bug.message


def _reply(wire: Wire, number: int, reply: Reply) -> None:
    try:
        wire.send((number, *reply))
    except (WireClosed, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - rows that do not pickle are the transform's bug
        bug = rejection_of(error)
        wire.send((number, "rejected", bug.code, bug.message))


def _end_for_memory() -> NoReturn:
    os._exit(EXIT_MEMORY)


if __name__ == "__main__":
    main(sys.argv[1:])
