"""The one way in which a batch ends early."""

from __future__ import annotations

import threading
from collections.abc import Callable

from include.engine.errors import HeadraceError


class Aborted(HeadraceError):
    """Another thread ended the batch; the cause, where one is attached, is its error. Never the batch's own error."""


class Abort:
    """Holds the first error of a batch and frees every thread that waits. Thread-safe."""

    def __init__(self, event: threading.Event | None = None) -> None:
        """`event` is set by the first error, before any thread is freed."""
        self._lock = threading.Lock()
        self._event = event or threading.Event()
        self._frees: list[Callable[[BaseException], None]] = []
        self.error: BaseException | None = None
        """The first error; later ones follow from it and are dropped."""

    def on_abort(self, free: Callable[[BaseException], None]) -> None:
        """Have `free` called once with the first error, in the thread that failed. It must not block."""
        self._frees.append(free)

    def fail(self, error: BaseException) -> None:
        """End the batch with `error`, unless it is ending already."""
        with self._lock:
            if self.error is not None:
                return
            self.error = error
        self._event.set()
        for free in self._frees:
            free(error)

    @property
    def is_set(self) -> bool:
        """Whether the batch is ending."""
        return self.error is not None

    def check(self) -> None:
        """Raise `Aborted` when the batch is ending."""
        if self.error is not None:
            raise Aborted from self.error

    def pause(self, seconds: float) -> None:
        """Sleep; raises `Aborted` at once when the batch ends."""
        if self._event.wait(seconds):
            self.check()
