"""Commits that wait for something else to be kept first."""

from __future__ import annotations

from include.engine.model import InsertBatch, Receipt
from include.engine.ports import Sink
from include.warehouse.pipeline import BeforeCommit


class GuardedSink:
    """A sink each of whose commits, and replays of one, begins with a call."""

    def __init__(self, sink: Sink, before_commit: BeforeCommit) -> None:
        self._sink = sink
        self._before_commit = before_commit

    def commit(self, insert_batch: InsertBatch) -> Receipt:
        """As the sink; nothing is committed where the call raises."""
        self._before_commit()
        return self._sink.commit(insert_batch)

    def reset(self) -> None:
        """The sink's."""
        self._sink.reset()

    def close(self) -> None:
        """The sink's."""
        self._sink.close()
