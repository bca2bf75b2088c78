"""What a database error means to the caller. Messages of drivers never travel: they may quote values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from include.engine.errors import FatalError, HeadraceError, TransientError


class FaultKind(StrEnum):
    """What to do next."""

    TRANSIENT = "transient"
    CONSTRAINT = "constraint"
    FATAL = "fatal"


@dataclass(frozen=True, slots=True)
class Fault:
    """A driver's error, without its text."""

    kind: FaultKind
    label: str
    """Class and number, for logs: `OperationalError SQLITE_BUSY`, `OperationalError 1205`."""
    constraint: str = ""
    """Of a constraint: `unique`, `foreign_key`, `check`, `not_null`, `value`…"""
    is_busy: bool = False
    """Another writer holds the lock; nothing was done, and waiting helps."""
    is_login: bool = False
    """Login or database was refused: wrong settings, or a failover where the same had been let in before."""
    advice: str = ""
    """What to look at, where the number says that much."""

    @property
    def text(self) -> str:
        """For logs and exceptions."""
        return f"{self.label}: {self.advice}" if self.advice else self.label


class ConstraintViolated(Exception):
    """The database refused rows. Never leaves the package: the sink narrows it to records, which become rejects."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.label)
        self.fault = fault


class Busy(TransientError):
    """Another writer holds the lock."""


def house_error(what: str, fault: Fault) -> HeadraceError | ConstraintViolated:
    """The error that says what to do about a fault."""
    if fault.kind is FaultKind.CONSTRAINT:
        return ConstraintViolated(fault)
    if fault.is_busy:
        return Busy(f"{what}: {fault.text}")
    if fault.kind is FaultKind.TRANSIENT:
        return TransientError(f"{what}: {fault.text}")
    return FatalError(f"{what}: {fault.text}")
