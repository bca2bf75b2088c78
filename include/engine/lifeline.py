"""Ending a worker process when its parent ends, whatever ended the parent."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import threading

WATCH_S = 1.0


def hold_on_to_parent(life_fd: int) -> None:
    """End this process when the write end of the pipe `life_fd`, which only the parent holds, closes.

    Twice, because each covers what the other cannot. The kernel's SIGIO, whose default action is to
    terminate, ends a process that is stuck in native code and holds the interpreter's lock. A thread
    covers systems without asynchronous pipes, and a write end that a fork of the parent still holds.
    """
    threading.Thread(target=_watch, args=(life_fd, os.getppid()), name="headrace-lifeline", daemon=True).start()
    # An ignored or blocked signal is inherited through exec.
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGIO})
    if hasattr(os, "O_ASYNC"):
        asynchronous = os.O_ASYNC
    elif hasattr(fcntl, "FASYNC"):
        asynchronous = fcntl.FASYNC
    else:
        return
    fcntl.fcntl(life_fd, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(life_fd, fcntl.F_SETFL, fcntl.fcntl(life_fd, fcntl.F_GETFL) | asynchronous)


def _watch(life_fd: int, parent: int) -> None:
    poll = select.poll()
    poll.register(life_fd, select.POLLIN)
    # Nothing is ever written to the pipe: readable means that its other end closed.
    while not poll.poll(WATCH_S * 1000) and os.getppid() == parent:
        pass
    os._exit(0)
