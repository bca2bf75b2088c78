"""What is different about each database, as data and small methods; the rest of the warehouse asks here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from include.warehouse.faults import Fault, FaultKind

SQLITE_BUSY_TIMEOUT_MS = 250
"""One wait within SQLite, which cannot be interrupted; the loop around it looks at the stop event."""

MSSQL_LOCK_TIMEOUT_MS = 30_000
"""A wait for a lock on SQL Server ends with error 1222, which is transient."""


class Dialect(Protocol):
    """One kind of database."""

    @property
    def name(self) -> str:
        """As SQLAlchemy names it."""
        ...

    @property
    def url(self) -> str:
        """For SQLAlchemy; connections themselves come from the caller."""
        ...

    @property
    def has_schemas(self) -> bool:
        """Where it has none, the schemas of declared tables are left out."""
        ...

    @property
    def session_setup(self) -> tuple[str, ...]:
        """Statements run on each new connection."""
        ...

    def begin_statement(self, *, write: bool) -> str | None:
        """What starts a transaction; None where the driver does it."""
        ...

    def own(self, connection: Any) -> None:  # noqa: ANN401 - any driver's connection
        """Make a new driver connection obey SQLAlchemy's transactions."""
        ...

    def classify(self, error: BaseException) -> Fault:
        """What a driver's error means."""
        ...


class SqliteDialect:
    """SQLite 3.35 or newer, through the standard library's driver."""

    name = "sqlite"
    url = "sqlite://"
    has_schemas = False
    session_setup = (
        f"PRAGMA busy_timeout = {SQLITE_BUSY_TIMEOUT_MS}",
        "PRAGMA foreign_keys = ON",
        "PRAGMA synchronous = NORMAL",
    )

    _TRANSIENT = frozenset({5, 6, 9, 10, 13, 15, 17})
    """BUSY, LOCKED, INTERRUPT, IOERR, FULL, PROTOCOL, SCHEMA: primary result codes."""

    _CONSTRAINTS: Mapping[str, str] = {
        "SQLITE_CONSTRAINT_UNIQUE": "unique",
        "SQLITE_CONSTRAINT_PRIMARYKEY": "unique",
        "SQLITE_CONSTRAINT_ROWID": "unique",
        "SQLITE_CONSTRAINT_FOREIGNKEY": "foreign_key",
        "SQLITE_CONSTRAINT_CHECK": "check",
        "SQLITE_CONSTRAINT_NOTNULL": "not_null",
        "SQLITE_TOOBIG": "value",
        "SQLITE_MISMATCH": "value",
    }

    def begin_statement(self, *, write: bool) -> str | None:
        """Writers take the lock at once."""
        # A deferred transaction that reads first cannot upgrade once another has written: it fails at once.
        return "BEGIN IMMEDIATE" if write else "BEGIN"

    def own(self, connection: Any) -> None:  # noqa: ANN401 - any driver's connection
        """No statement of the driver's own."""
        connection.isolation_level = None

    def classify(self, error: BaseException) -> Fault:
        """By SQLite's result code."""
        name = getattr(error, "sqlite_errorname", None)
        label = f"{type(error).__name__} {name}" if name else type(error).__name__
        constraint = self._CONSTRAINTS.get(name or "")
        if constraint or type(error).__name__ == "IntegrityError":
            return Fault(FaultKind.CONSTRAINT, label, constraint or "other")
        code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
        kind = FaultKind.TRANSIENT if code in self._TRANSIENT else FaultKind.FATAL
        return Fault(kind, label, is_busy=code in (5, 6))


class MssqlDialect:
    """SQL Server 2016 or newer at compatibility level 130, through pymssql."""

    name = "mssql"
    url = "mssql+pymssql://"
    has_schemas = True
    session_setup = (f"SET LOCK_TIMEOUT {MSSQL_LOCK_TIMEOUT_MS}", "SET XACT_ABORT OFF")

    _TRANSIENT = frozenset(
        # Deadlock victim, lock timeout, out of memory or locks, timeouts of resources.
        {1205, 1222, 701, 1204, 8645, 8651, 10928, 10929}
        # Failover, throttling and reconfiguration of a hosted server, a database that is starting.
        | {40197, 40501, 40540, 40613, 49918, 49919, 49920, 4060, 4221, 615, 926, 922, 913}
        # Connection: time-out, reset, write failed, end of file, dead process, cannot connect.
        | {20002, 20003, 20004, 20006, 20009, 20017, 20047, 233, 64, 121, 10053, 10054, 10060}
    )
    _CONSTRAINTS: Mapping[int, str] = {
        2627: "unique",
        2601: "unique",
        547: "reference_or_check",
        515: "not_null",
        8152: "value",
        2628: "value",
        220: "value",
        8115: "value",
        8114: "value",
        245: "value",
        242: "value",
    }

    def begin_statement(self, *, write: bool) -> str | None:
        """Pymssql starts one after each commit."""
        del write
        return None

    def own(self, connection: Any) -> None:  # noqa: ANN401 - any driver's connection
        """SQLAlchemy commits and rolls back."""
        connection.autocommit(False)

    def classify(self, error: BaseException) -> Fault:
        """By the number of the server or of DB-Library."""
        number = _mssql_number(error)
        label = f"{type(error).__name__} {number}" if number else type(error).__name__
        if number in self._CONSTRAINTS:
            return Fault(FaultKind.CONSTRAINT, label, self._CONSTRAINTS[number])
        # Without a number the driver speaks for itself: the connection is closed or broken.
        lost = number == 0 and type(error).__name__ in ("InterfaceError", "OperationalError")
        kind = FaultKind.TRANSIENT if lost or number in self._TRANSIENT else FaultKind.FATAL
        return Fault(kind, label, is_busy=number == 1222)


def _mssql_number(error: BaseException) -> int:
    """0 when there is none; pymssql puts it first in `args`, or first in a tuple there."""
    number = getattr(error, "number", None)
    if number is None and error.args:
        first = error.args[0]
        number = first[0] if isinstance(first, tuple) and first else first
    return number if isinstance(number, int) else 0


_DIALECTS: Mapping[str, Callable[[], Dialect]] = {"sqlite": SqliteDialect, "mssql": MssqlDialect}


def dialect_named(name: str) -> Dialect:
    """Raises `KeyError` for one that the house does not speak."""
    return _DIALECTS[name]()
