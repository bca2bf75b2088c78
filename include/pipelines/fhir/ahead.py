"""An iterator that runs ahead of its consumer, in a thread of its own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar, cast

T = TypeVar("T")

LOOK_S = 0.1
"""The thread looks this often whether its consumer has gone."""


class _End:
    """The last thing in the queue: how the iterator ended."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


@contextmanager
def ahead(make: Callable[[], Iterator[T]], depth: int) -> Iterator[Iterator[T]]:
    """What `make()` gives, at most `depth` items ahead; an error of it is raised where it would have come.

    The iterator is made, used and closed in the thread. Where the consumer leaves early, the thread ends when the item
    that it waits for has come; nobody waits for that.
    """
    reader = _Reader(make, depth)
    reader.start()
    try:
        yield reader.items()
    finally:
        reader.leave()


class _Reader(threading.Thread, Generic[T]):
    def __init__(self, make: Callable[[], Iterator[T]], depth: int) -> None:
        super().__init__(name="headrace-ahead", daemon=True)
        self._make = make
        self._queue: queue.Queue[T | _End] = queue.Queue(maxsize=depth)
        self._left = threading.Event()

    def run(self) -> None:
        end = _End()
        try:
            self._read()
        except BaseException as error:  # noqa: BLE001 - crosses to the consumer's thread as a value
            end = _End(error)
        self._put(end)

    def items(self) -> Iterator[T]:
        while not isinstance(item := self._queue.get(), _End):
            yield item
        if item.error is not None:
            raise item.error

    def leave(self) -> None:
        self._left.set()
        self.join(2 * LOOK_S)

    def _read(self) -> None:
        items = self._make()
        try:
            for item in items:
                if not self._put(item):
                    return
        finally:
            close = cast("Callable[[], None] | None", getattr(items, "close", None))
            if close is not None:
                close()

    def _put(self, item: T | _End) -> bool:
        """False when nobody takes it any more."""
        while not self._left.is_set():
            try:
                self._queue.put(item, timeout=LOOK_S)
            except queue.Full:
                continue
            return True
        return False
