"""What is different about each database, as data and small methods; the rest of the warehouse asks here."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from include.warehouse.faults import Fault, FaultKind
from include.warehouse.loaders.mssql_server import SESSION_SETUP
from include.warehouse.mssql_dialect import URL
from include.warehouse.mssql_errors import ADVICE, CONSTRAINTS, LOGIN, TRANSIENT, error_number

SQLITE_BUSY_TIMEOUT_MS = 250
"""One wait within SQLite, which cannot be interrupted; the loop around it looks at the stop event."""


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

    def driver_errors(self) -> tuple[type[Exception], ...]:
        """What the driver raises by itself, where it is called past SQLAlchemy or raises past the DB-API."""
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

    def driver_errors(self) -> tuple[type[Exception], ...]:
        """Of the standard library."""
        return (sqlite3.Error,)

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
    url = URL
    has_schemas = True
    session_setup = (SESSION_SETUP,)

    def begin_statement(self, *, write: bool) -> str | None:
        """Pymssql starts one after each commit."""
        del write
        return None

    def own(self, connection: Any) -> None:  # noqa: ANN401 - any driver's connection
        """SQLAlchemy commits and rolls back."""
        connection.autocommit(False)

    def driver_errors(self) -> tuple[type[Exception], ...]:
        """Bulk copy raises those of the layer below the DB-API."""
        import pymssql  # noqa: PLC0415 - only where SQL Server is used

        return (pymssql.Error, pymssql._mssql.MSSQLException)  # noqa: SLF001 - the driver's documented lower layer

    def classify(self, error: BaseException) -> Fault:
        """By the number of the server or of DB-Library."""
        number = error_number(error)
        label = f"{type(error).__name__} {number}" if number else type(error).__name__
        if number in CONSTRAINTS:
            return Fault(FaultKind.CONSTRAINT, label, CONSTRAINTS[number])
        # Without a number the driver speaks for itself: the connection is closed or broken.
        lost = number == 0 and type(error).__name__ in ("InterfaceError", "OperationalError")
        refused = number in LOGIN
        kind = FaultKind.TRANSIENT if lost or refused or number in TRANSIENT else FaultKind.FATAL
        return Fault(kind, label, is_busy=number == 1222, is_login=refused, advice=ADVICE.get(number, ""))


_DIALECTS: Mapping[str, Callable[[], Dialect]] = {"sqlite": SqliteDialect, "mssql": MssqlDialect}


def dialect_named(name: str) -> Dialect:
    """Raises `KeyError` for one that the house does not speak."""
    return _DIALECTS[name]()
