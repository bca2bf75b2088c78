"""Errors are named by what the caller does next: reject the record, try again, or stop.

No message may carry a value of a record: keys, field names, counts and classes of error only. The
messages end up in logs, in the `rejects` table and in Airflow's metadata database.
"""

from __future__ import annotations


class HeadraceError(Exception):
    """Root of every error that this package raises on purpose."""


class RecordRejected(HeadraceError):
    """This record cannot be loaded, now or on a retry; its neighbours are not concerned.

    `code` is a stable dotted name that operators group by (`xml.not_well_formed`); `message` names
    the field, its place and the fix.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message

    def __reduce__(self) -> tuple[type[RecordRejected], tuple[str, str]]:
        # Worker processes send it through a pipe; the default would pass the joined text as `code`.
        return type(self), (self.code, self.message)


class RecordSkipped(HeadraceError):
    """This record is out of scope or needs no work; `reason` is a stable short name."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TransientError(HeadraceError):
    """The same call may succeed later. `retry_after_s` is the wait the other side asked for."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after_s = retry_after_s

    def __reduce__(self) -> tuple[type[TransientError], tuple[str, float | None]]:
        return type(self), (self.message, self.retry_after_s)


class FatalError(HeadraceError):
    """Nothing in this batch can go on, and an Airflow retry would fail the same way."""


class SettingsError(FatalError):
    """A setting, Param, contract or connection is wrong; the message names it and the fix."""


class SourceChanged(FatalError):
    """The pinned source is not what the plan saw (other ETag or hash)."""


class AttemptSuperseded(FatalError):
    """A newer attempt owns this batch in the ledger: this one must write nothing more."""


class TooManyRejects(FatalError):
    """The batch passed `max_rejects` or `max_reject_rate`."""


class TooManyStuckWorkers(FatalError):
    """As many worker threads as the pool has, and at least two, were abandoned in overdue records."""


class LedgerMismatch(FatalError):
    """The counters of a batch do not add up: a bug, never to be papered over."""


class BatchStopped(HeadraceError):
    """The stop event was set (kill, timeout, cancel): what was committed stays, Airflow may retry."""
