"""The parent's side of one worker process."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from include.engine.abort import Abort
from include.engine.divided import Divided
from include.engine.errors import FatalError, RecordRejected, RecordSkipped, SettingsError, TransientError
from include.engine.exchange import Exchange, Reply
from include.engine.judge import NoAnswer, overdue
from include.engine.model import Record, Rows, put_together
from include.engine.ports import Fit
from include.engine.process_transform import ProcessTransform
from include.engine.wire import Wire, WireClosed
from include.engine.worker_process import EXIT_MEMORY

PROJECT_ROOT = Path(__file__).resolve().parents[2]
LOOK_S = 0.2
"""While a process starts, its thread looks this often whether the batch is ending."""
MAX_FAILED_STARTS = 3
MAX_TRIES_OF_A_CRASH = 2
AHEAD_BYTES = 1024 * 1024
"""Records under way to a process together are no larger, unless they are two: it needs one to work on and the next."""


class WorkerStartError(Exception):
    """The process ended, or said nothing, before it was ready."""


class ProcessWorker:
    """A transform that runs in a process of its own, which is replaced when it hangs, crashes or has done its share.

    Belongs to one thread, but for `kill`. Callable like any transform.
    """

    def __init__(
        self, spec: ProcessTransform, record_timeout_s: float | None, abort: Abort, fit: Fit | None = None
    ) -> None:
        self._spec = spec
        self._fit = fit
        self._record_timeout_s = record_timeout_s
        self._abort = abort
        self._process: subprocess.Popen[bytes] | None = None
        self._wire: Wire | None = None
        self._exchange: Exchange | None = None
        self._ahead: deque[tuple[int, Record]] = deque()
        self._life_fd = -1
        self.restarts = 0
        """Processes started again after a kill or a crash."""

    def launch(self) -> None:
        """Start the process and hand it the transform; `await_ready` must follow.

        Raises `OSError` when the system refuses.
        """
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            with suppress(OSError):  # the system gives what it allows
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, AHEAD_BYTES)
        # Close-on-exec, as `pipe` makes them: a sibling that held our end would keep this process alive.
        life_read, self._life_fd = os.pipe()
        self._wire = Wire(ours)
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our interpreter and module, no outside words
                [sys.executable, "-P", "-m", "include.engine.worker_process", str(theirs.fileno()), str(life_read)],
                pass_fds=(theirs.fileno(), life_read),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=_environment(),
                # A signal to the parent's group must not reach the worker first: that would read as a crash.
                start_new_session=True,
            )
        except BaseException:
            self.close()
            raise
        finally:
            theirs.close()
            os.close(life_read)
        self._exchange = Exchange(self._wire)
        # At once, so that processes which start together load together.
        self._wire.post(
            {
                "factory": self._spec.factory,
                "config": dict(self._spec.config),
                "fit": pickle.dumps(self._fit),
                "memory_limit_bytes": self._spec.memory_limit_bytes,
                "path": sys.path,
            }
        )

    def await_ready(self, check: Callable[[], None]) -> None:
        """Wait until the transform is loaded; `check` is called meanwhile and may raise.

        Raises `SettingsError` when the factory fails, `WorkerStartError` when the process does.
        """
        deadline = time.monotonic() + self._spec.start_timeout_s
        try:
            reply = self._receive_patiently(deadline, check)
        except (WireClosed, TimeoutError) as error:
            how = self._end() if isinstance(error, WireClosed) else f"was not ready in {self._spec.start_timeout_s:g} s"
            self.close()
            raise WorkerStartError(f"a worker process for {self._spec.factory} {how}") from None
        if reply[0] != "ready":
            self.close()
            raise SettingsError(str(reply[1]))

    def expect(self, record: Record) -> bool:
        """Send a record ahead of its call, so that the process has work while its last answer is looked at.

        False when that must wait: enough is under way, or the process has had its share. Calls must come in the
        order of the expectations; one that is left out is forgotten.
        """
        exchange = self._exchange
        if exchange is None or self._is_spent:
            return False
        if exchange.under_way > 1 and exchange.bytes_under_way + record.size > AHEAD_BYTES:
            return False
        try:
            number = exchange.ask(record)
        except Exception:  # noqa: BLE001 - raised again when its turn comes, where somebody settles it
            return False
        self._ahead.append((number, record))
        return True

    def drop_ahead(self) -> None:
        """What is under way was taken back: the process leaves out what it did not begin."""
        if self._ahead and self._exchange is not None:
            self._exchange.leave_out([number for number, _ in self._ahead])
        self._ahead.clear()

    def __call__(self, record: Record) -> Rows | Divided:
        """Transform in the process; raises as the transform does, or `NoAnswer` when the process died of it.

        A process that a signal ended may have been killed from outside (by the system, short of memory, or by an
        operator), so its record gets a second try; a crash of its own repeats itself.
        """
        tries = 0
        while True:
            if self._is_spent and not self._is_expected(record):
                self.close()  # what else is under way was handed back, or is asked again
            if self._process is None:
                self._start_again()
            exchange = self._talking
            number = self._number_of(record, exchange)
            may_be_innocent = False
            try:
                reply = exchange.answer(number, self._record_timeout_s)
            except TimeoutError:
                cause = overdue(self._record_timeout_s)
            except WireClosed:
                cause = NoAnswer("worker.crashed", f"its worker process {self._end()}")
                may_be_innocent = self._was_ended_by_a_signal
            else:
                break
            was_at_work = exchange.oldest == number
            self._lose()
            if was_at_work:
                tries += 1
                if tries == MAX_TRIES_OF_A_CRASH or not may_be_innocent:
                    raise cause
            # Else it died of another record, which came before and was handed back: this one gets a process of its own.
        if self._is_spent and not self._ahead:
            self.close()
        return _rows_of(reply)

    def kill(self) -> None:
        """Kill the process at once, from any thread: whoever waits for its answer wakes up."""
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """End the process and reap it. The next call starts another."""
        process, self._process = self._process, None
        self._exchange = None
        self._ahead.clear()
        if self._wire is not None:
            self._wire.close()
            self._wire = None
        if self._life_fd >= 0:
            os.close(self._life_fd)
            self._life_fd = -1
        if process is not None:
            process.kill()
            process.wait()

    @property
    def _connected(self) -> Wire:
        if self._wire is None:
            raise WireClosed
        return self._wire

    @property
    def _talking(self) -> Exchange:
        if self._exchange is None:
            raise WireClosed
        return self._exchange

    @property
    def _is_spent(self) -> bool:
        return self._exchange is not None and self._exchange.asked >= self._spec.recycle_after

    @property
    def _was_ended_by_a_signal(self) -> bool:
        return self._process is not None and (self._process.returncode or 0) < 0

    def _is_expected(self, record: Record) -> bool:
        return any(expected is record for _, expected in self._ahead)

    def _number_of(self, record: Record, exchange: Exchange) -> int:
        if not self._is_expected(record):
            return exchange.ask(record)
        while True:
            number, expected = self._ahead.popleft()
            if expected is record:
                return number
            exchange.forget(number)

    def _start_again(self) -> None:
        for attempt in range(1, MAX_FAILED_STARTS + 1):
            self._abort.check()
            try:
                self.launch()
                self._abort.check()  # `kill` may have come before there was a process to kill
                return self.await_ready(self._abort.check)
            except (OSError, WorkerStartError) as error:
                if attempt == MAX_FAILED_STARTS:
                    raise FatalError(f"a worker process did not start in {attempt} tries: {error}") from error
        return None

    def _receive_patiently(self, deadline: float, check: Callable[[], None]) -> Reply:
        while not self._connected.is_heard(LOOK_S) and time.monotonic() < deadline:
            check()
        reply: Reply = self._connected.receive(deadline)
        return reply

    def _lose(self) -> None:
        self.close()
        self._abort.check()  # a process that was killed because the batch ends is no crash
        self.restarts += 1

    def _end(self) -> str:
        """How the process ended, which its closed socket announced."""
        if self._process is None:
            return "was closed"
        try:
            code = self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return "closed its socket"
        if code == EXIT_MEMORY:
            return f"met its memory limit of {self._spec.memory_limit_bytes} bytes"
        if code == -signal.SIGABRT and self._spec.memory_limit_bytes is not None:
            limit = f"the memory limit of {self._spec.memory_limit_bytes} bytes"
            return f"was ended by SIGABRT, as by a native library that meets {limit}"
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _rows_of(reply: Reply) -> Rows | Divided:
    match reply:
        case ("divided", divided):
            result: Divided = divided
            return result
        case ("rows", rows, notes, size):
            return put_together(rows, notes, size)
        case ("rejected", code, message):
            raise RecordRejected(code, message)
        case ("skipped", reason):
            raise RecordSkipped(reason)
        case ("transient", message, retry_after_s):
            raise TransientError(message, retry_after_s)
        case _:
            raise FatalError(str(reply[1]))


def _environment() -> dict[str, str]:
    path = os.pathsep.join(filter(None, [str(PROJECT_ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path}
