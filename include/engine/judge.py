"""From a record to its settlement: the transform, its retries, and what each of its errors means."""

from __future__ import annotations

import time
from dataclasses import replace

from include.engine.abort import Abort, Aborted
from include.engine.bugs import rejection_of
from include.engine.divided import Divided
from include.engine.division import Division
from include.engine.errors import BatchStopped, FatalError, RecordRejected, RecordSkipped, TransientError
from include.engine.model import NotedRows, Outcome, Record, Rows, Settlement
from include.engine.ports import ContentHash, Fit, LooksAhead, Transform
from include.engine.retry import RetryPolicy
from include.engine.settings import EngineSettings
from include.engine.task import Task

# Looked up once: the members of an Enum are slow attributes, and this is the path of every record.
_WRITTEN = Outcome.WRITTEN
_REJECTED = Outcome.REJECTED
_SKIPPED = Outcome.SKIPPED
_clock = time.perf_counter

OLDER_VERSION = "older_version"
UNCHANGED = "unchanged"
"""Reasons of skips that the house gives itself."""


class NoAnswer(RecordRejected):
    """Rejects a record of which nothing was learnt (timeout, crash, patience at its end): its rows stay as they are."""


def overdue(record_timeout_s: float | None) -> NoAnswer:
    """The reject of a record whose transform did not come back in time."""
    return NoAnswer("timeout.transform", f"no answer within {record_timeout_s:g} s, the bound of one try")


def rejected(task: Task, error: RecordRejected) -> Settlement:
    """Settle a task as rejected: its rows are replaced by none, or left alone when there was no answer."""
    return Settlement(
        key=task.record.key,
        outcome=_REJECTED,
        index=task.index,
        rows=None if isinstance(error, NoAnswer) else {},
        version=task.record.version,
        code=error.code,
        message=error.message,
        attempts=task.tries,
        transform_s=task.spent_s,
    )


def skipped(task: Task, reason: str, content_hash: str | None = None) -> Settlement:
    """Settle a task as skipped: its rows stay as they are."""
    return Settlement(
        key=task.record.key,
        outcome=_SKIPPED,
        index=task.index,
        version=task.record.version,
        content_hash=content_hash,
        code=reason,
        attempts=task.tries,
        transform_s=task.spent_s,
    )


class Judge:
    """Settles tasks with one transform; holds nothing of a record, so threads may share it."""

    def __init__(
        self,
        transform: Transform,
        settings: EngineSettings,
        abort: Abort,
        content_hash: ContentHash | None = None,
        *,
        skip_unchanged: bool = False,
        fit: Fit | None = None,
    ) -> None:
        self._transform = transform
        self._fit = fit
        self._ahead = transform if isinstance(transform, LooksAhead) else None
        self._abort = abort
        self._content_hash = content_hash
        self._skip_unchanged = skip_unchanged
        self._policy = RetryPolicy(
            settings.max_tries, settings.retry_initial_s, settings.retry_max_wait_s, settings.retry_total_s
        )

    @property
    def looks_ahead(self) -> bool:
        """Whether the transform can begin with records before their turn, as a worker process can."""
        return self._ahead is not None

    def expect(self, task: Task) -> bool:
        """Let the transform begin with a task; False when it takes no more for now."""
        if self._ahead is None:
            return False
        if task.settlement is not None or (self._skip_unchanged and task.prior is not None):
            return True  # it may need no transform: its turn will tell
        return self._ahead.expect(task.record)

    def drop_ahead(self) -> None:
        """The supervisor took back all that was expected: the transform need not do it."""
        if self._ahead is not None:
            self._ahead.drop_ahead()

    def __call__(self, task: Task) -> Settlement | Division:
        """Try until the record settles, or is divided: then its parts are to be judged in its place.

        Raises what ends the batch: `FatalError`, `BatchStopped`, `Aborted`.
        """
        try:
            return self._try(task)
        except TransientError as error:
            return self._try_again(task, error)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - isolation: what a record raises concerns it alone
            return self._settle_error(task, error)

    def settle_whole(self, part: Task) -> Task | None:
        """The task of the record whose part was settled just now, settled too where that decides it."""
        division = part.division
        if division is None or part.settlement is None or not division.take(part):
            return None
        whole = division.whole
        if not whole.claim.acquire(blocking=False):
            return None
        if part.settlement.outcome is _WRITTEN:
            try:
                whole.settlement = self._written(whole, division.merged(), division.content_hash)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - as for a transform
                whole.settlement = self._settle_error(whole, error)
        else:
            whole.settlement = replace(part.settlement, attempts=whole.tries, transform_s=whole.spent_s)
        return whole

    def _try(self, task: Task) -> Settlement | Division:
        record = task.record
        digest: str | None = None
        task.started = started = _clock()
        try:
            if self._content_hash is not None and task.division is None:
                digest = self._content_hash(record)
                if self._skip_unchanged and task.prior is not None and task.prior.content_hash == digest:
                    return skipped(task, UNCHANGED, digest)
            rows = self._transform(record)
            if isinstance(rows, Divided):
                if task.division is not None:
                    raise TypeError("a part of a record was divided again")
                if self._ahead is not None:
                    return Division(task, rows, digest)
                rows = rows.merge([self._rows_of_part(record, part) for part in rows.parts])
            elif self._fit is not None:
                rows = self._fit(rows, record.key)
        finally:
            task.started = 0.0
            task.spent_s += _clock() - started
        return self._written(task, rows, digest)

    @staticmethod
    def _written(task: Task, rows: Rows, digest: str | None) -> Settlement:
        record = task.record
        size = record.size
        if isinstance(rows, NotedRows):
            size = max(size, rows.size)
            digest = None if rows.is_partial else digest
        return Settlement(
            record.key,
            _WRITTEN,
            task.index,
            rows,
            record.version,
            digest,
            None,
            None,
            size,
            task.tries,
            task.spent_s,
        )

    def _rows_of_part(self, record: Record, payload: object) -> Rows:
        rows = self._transform(replace(record, payload=payload))
        if isinstance(rows, Divided):
            raise TypeError("a part of a record was divided again")
        return rows if self._fit is None else self._fit(rows, record.key)

    def _try_again(self, task: Task, first: TransientError) -> Settlement | Division:
        def attempt() -> Settlement | Division:
            if task.claim.locked():  # overdue in its last try, and settled so: nobody waits for an answer
                raise Aborted
            task.tries += 1
            return self._try(task)

        try:
            return self._policy.again(attempt, first, self._abort.pause)
        except TransientError as error:
            return rejected(
                task, NoAnswer("gave_up.transient", f"gave up after {task.tries} tries, the last: {error.message}")
            )
        except (Exception, SystemExit) as error:  # noqa: BLE001 - as for the first try
            return self._settle_error(task, error)

    @staticmethod
    def _settle_error(task: Task, error: BaseException) -> Settlement:
        match error:
            case RecordRejected():
                return rejected(task, error)
            case RecordSkipped():
                return skipped(task, error.reason)
            case FatalError() | BatchStopped() | Aborted():
                raise error
            case _:
                return rejected(task, rejection_of(error))
