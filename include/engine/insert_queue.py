"""What waits between the workers and the writer."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence

from include.engine.abort import Aborted
from include.engine.model import Settlement


class InsertQueue:
    """Settlements on their way to the writer, bounded in records and in bytes.

    Producers block while it is full. A settlement larger than the byte bound is admitted when nothing
    else waits, so that it passes too. Many producers, one consumer; what one producer puts comes out in
    its order. Nobody polls: each wait ends by a put, a take, `close` or `fail`.
    """

    def __init__(self, max_records: int, max_bytes: int) -> None:
        self._max_records = max_records
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)
        self._filled = threading.Condition(self._lock)
        self._entries: deque[tuple[float, Settlement]] = deque()
        self._bytes = 0
        self._blocked = 0  # producers that wait since the consumer last made room
        self._wanted = 0  # settlements at which the waiting consumer wakes; 0 while it does not wait
        self._closed = False
        self._error: BaseException | None = None

    @property
    def depth(self) -> int:
        """Settlements waiting now; takes no lock."""
        return len(self._entries)

    @property
    def waiting_bytes(self) -> int:
        """Bytes waiting now; takes no lock."""
        return self._bytes

    def put(self, settlements: Sequence[Settlement]) -> None:
        """Append in order, each as soon as it fits; raises `Aborted` after `fail`."""
        now = time.monotonic()
        with self._lock:
            for settlement in settlements:
                while not self._fits(settlement.size) and self._error is None:
                    self._blocked += 1
                    if self._wanted:
                        self._filled.notify()
                    self._room.wait()
                    now = time.monotonic()
                self._refuse_when_over()
                self._entries.append((now, settlement))
                self._bytes += settlement.size
            if self._wanted and len(self._entries) >= self._wanted:
                self._filled.notify()

    def take(self, max_records: int, max_wait_s: float) -> list[Settlement]:
        """Up to `max_records` in order; fewer when the oldest has waited `max_wait_s`, or no more fit in.

        An empty list means closed and drained. Raises `Aborted` after `fail`, whatever still waits.
        """
        with self._lock:
            while not self._ready(max_records):
                timeout_s = self._entries[0][0] + max_wait_s - time.monotonic() if self._entries else None
                if timeout_s is not None and timeout_s <= 0:
                    break
                self._wanted = max_records if self._entries else 1
                self._filled.wait(timeout_s)
                self._wanted = 0
            if self._error is not None:
                raise Aborted from self._error
            entries = self._entries
            taken = [entries.popleft()[1] for _ in range(min(max_records, len(entries)))]
            self._bytes -= sum([settlement.size for settlement in taken])
            if self._blocked:
                self._blocked = 0
                self._room.notify_all()
            return taken

    def close(self) -> None:
        """No producer puts any more: the consumer gets the rest at once, then empty lists."""
        with self._lock:
            self._closed = True
            self._filled.notify_all()

    def fail(self, error: BaseException) -> None:
        """Free the consumer and every producer at once; what waits is dropped."""
        with self._lock:
            self._error = self._error or error
            self._entries.clear()
            self._bytes = 0
            self._room.notify_all()
            self._filled.notify_all()

    def _fits(self, size: int) -> bool:
        waiting = len(self._entries)
        return not waiting or (waiting < self._max_records and self._bytes + size <= self._max_bytes)

    def _ready(self, max_records: int) -> bool:
        waiting = len(self._entries)
        return (
            self._closed
            or self._error is not None
            or waiting >= max_records
            # A full queue cannot grow to `max_records`: waiting for that would hold its producers up.
            or (waiting > 0 and self._blocked > 0)
        )

    def _refuse_when_over(self) -> None:
        if self._error is not None:
            raise Aborted from self._error
        if self._closed:
            raise RuntimeError("the insert queue is closed")
