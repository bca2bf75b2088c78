"""The warehouse as a place to connect to: engine, transactions, and errors named by what to do next."""

from __future__ import annotations

import logging
import math
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.pool import NullPool
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from include.engine.errors import BatchStopped, FatalError, HeadraceError, SettingsError, TransientError
from include.warehouse.dialects import dialect_named
from include.warehouse.faults import Busy, ConstraintViolated, Fault, FaultKind, house_error
from include.warehouse.table_name import TableName

_T = TypeVar("_T")

LOCK_WAIT_S = 30.0
"""How long one transaction waits for other writers, looking at the stop event in between."""

PATIENCE_S = 60.0
"""How long a piece of work is tried again after transient errors."""

_NEVER = threading.Event()

_POOL = "headrace"
"""Last part of the name of the pools' logger."""


def _speaks_for_itself(record: logging.LogRecord) -> bool:
    """SQLAlchemy logs a cursor that cannot be closed, or a connection that is lost, with the driver's error.

    That quotes values. What is a warning stays, without the error; what is less goes.
    """
    record.exc_info = record.exc_text = None
    return record.levelno >= logging.WARNING


logging.getLogger(f"{NullPool.__module__}.{NullPool.__name__}.{_POOL}").addFilter(_speaks_for_itself)


class Warehouse:
    """Makes connections by calling `connect`, and owns what it made. Safe to share between threads.

    `connect` gives a new DB-API connection at each call (a hook's `get_conn`): each thread that
    works here at the same time takes its own.
    """

    def __init__(
        self,
        dialect: str,
        connect: Callable[[], Any],
        *,
        schema: str | None = None,
        create_tables: bool = True,
        lock_wait_s: float = LOCK_WAIT_S,
        conn_id: str | None = None,
    ) -> None:
        """`conn_id` is the Airflow connection's, for messages."""
        try:
            self.dialect = dialect_named(dialect)
        except KeyError:
            raise SettingsError(f"warehouse: no dialect {dialect!r}, there are 'sqlite' and 'mssql'") from None
        if schema is not None and not self.dialect.has_schemas:
            raise SettingsError("warehouse: SQLite has no schemas")
        self.schema = schema
        """Of the house tables, and of target tables that are declared without one; None: the login's own."""
        self.create_tables = create_tables
        """Whether `prepare` may create what is missing."""
        self.lock_wait_s = lock_wait_s
        self._connecting = f"connection {conn_id}" if conn_id else "connect"
        self._let_in = False
        self._stop = _NEVER
        # hide_parameters: an error of SQLAlchemy would otherwise print the rows. No reset of the pool's: transactions
        # end before, and a closed connection rolls back by itself.
        self.engine = sa.create_engine(
            self.dialect.url,
            creator=connect,
            poolclass=NullPool,
            pool_reset_on_return=None,
            pool_logging_name=_POOL,
            hide_parameters=True,
        ).execution_options(schema_translate_map={None: schema} if schema else None)
        self._driver_errors = self.dialect.driver_errors()
        if not self.dialect.has_schemas:
            # SQLAlchemy would take the schema of a declared table for an attached database.
            self.engine.dialect.identifier_preparer.schema_for_object = _no_schema
        sa.event.listen(self.engine, "connect", self._own)
        sa.event.listen(self.engine, "begin", self._begin)

    @property
    def name(self) -> str:
        """Of the dialect."""
        return self.dialect.name

    def obeying(self, stop: threading.Event) -> Warehouse:
        """The same warehouse, all of whose waits end soon after `stop` was set, by `BatchStopped`."""
        obedient = copy(self)
        obedient._stop = stop  # noqa: SLF001 - of its own kind
        return obedient

    def quote(self, identifier: str) -> str:
        """One identifier, always quoted."""
        return self.engine.dialect.identifier_preparer.quote_identifier(identifier)

    @property
    def own_schema(self) -> str | None:
        """Where tables without a schema stand; None where there are no schemas, and before the first connection."""
        return (self.schema or self.engine.dialect.default_schema_name) if self.dialect.has_schemas else None

    def place(self, name: TableName) -> TableName:
        """The one name of that table here: names of one place are of one table. Needs a connection made before.

        It keeps the schema only where that is not the connection's own.
        """
        own = (self.own_schema or "").lower()
        is_own = not self.dialect.has_schemas or (name.schema or own).lower() == own
        return TableName(None, name.name) if is_own else name

    def qualify(self, name: TableName) -> str:
        """A table's quoted name, within its schema or the connection's."""
        schema = (name.schema or self.schema) if self.dialect.has_schemas else None
        return f"{self.quote(schema)}.{self.quote(name.name)}" if schema else self.quote(name.name)

    def connect(self) -> sa.Connection:
        """A new connection; raises `TransientError` or `FatalError`, never with the driver's text.

        A refused login is fatal before the first connection, since its settings are wrong; later it is transient.
        """
        with self.faults(self._connecting):
            connection = self.engine.connect()
        self._let_in = True
        return connection

    @contextmanager
    def faults(self, what: str) -> Iterator[None]:
        """Errors of driver and database come out as the house's own, or as `ConstraintViolated`."""
        fault: Fault | None = None
        try:
            yield
        except sa.exc.DBAPIError as error:
            fault = self.dialect.classify(error.orig or error)
        except sa.exc.SQLAlchemyError as error:
            fault = Fault(FaultKind.FATAL, type(error).__name__)
        except self._driver_errors as error:
            fault = self.dialect.classify(error)
        if fault is not None:
            if fault.is_login and not self._let_in:
                fault = replace(fault, kind=FaultKind.FATAL)
            named = house_error(what, fault)
            try:
                raise named
            finally:
                # Python has just linked the driver's error, whose text may quote values.
                named.__context__ = None

    @contextmanager
    def transaction(
        self,
        connection: sa.Connection,
        what: str,
        *,
        write: bool = True,
        stop: threading.Event | None = None,
        lock_wait_s: float = math.inf,
    ) -> Iterator[sa.Connection]:
        """Commit when the block ends, roll back when it raises.

        Waits for other writers up to `lock_wait_s`, and no longer than the warehouse's own. An error of the
        commit itself is `TransientError` whatever it says: the answer may have been lost after the deed.
        """
        wait_s = min(lock_wait_s, self.lock_wait_s)
        began = self._begin_waiting(connection, what, write=write, stop=stop or self._stop, wait_s=wait_s)
        try:
            with self.faults(what):
                yield connection
        except BaseException:
            self._roll_back(began)
            raise
        try:
            with self.faults(f"{what}: commit"):
                began.commit()
        except (HeadraceError, ConstraintViolated) as error:
            self._roll_back(began)
            raise TransientError(f"{what}: the commit gave no clear answer ({error})") from None

    def transact(
        self,
        what: str,
        work: Callable[[sa.Connection], _T],
        *,
        write: bool = True,
        stop: threading.Event | None = None,
        patience_s: float = PATIENCE_S,
    ) -> _T:
        """Run `work` in a transaction of its own, again after transient errors, for `patience_s` at most.

        `work` may run several times, also after a commit whose answer was lost: it must bear that. Rows that the
        database refuses are `FatalError`: the same would be refused again.
        """
        stopping = stop or self._stop

        def once() -> _T:
            if stopping.is_set():
                raise BatchStopped(f"{what}: told to stop")
            with (
                self.connect() as connection,
                self.transaction(connection, what, write=write, stop=stop, lock_wait_s=patience_s),
            ):
                return work(connection)

        def once_or_fatal() -> _T:
            try:
                return once()
            except ConstraintViolated as refused:
                label = refused.fault.label
            raise FatalError(f"{what}: the database refused its rows ({label})")

        retrying = Retrying(
            retry=retry_if_exception_type(TransientError),
            stop=stop_after_delay(patience_s),
            wait=wait_random_exponential(multiplier=0.1, max=5),
            sleep=lambda seconds: void(stopping.wait(seconds)),
            reraise=True,
        )
        return retrying(once_or_fatal)

    def _own(self, dbapi_connection: Any, _record: object) -> None:  # noqa: ANN401 - any driver's connection
        self.dialect.own(dbapi_connection)
        cursor = dbapi_connection.cursor()
        for statement in self.dialect.session_setup:
            # After an error the connection goes, and its cursor with it: to close that first could hide the error.
            cursor.execute(statement)
        cursor.close()

    def _begin(self, connection: sa.Connection) -> None:
        write = connection.get_execution_options().get("headrace_write", False)
        statement = self.dialect.begin_statement(write=write)
        if statement:
            connection.exec_driver_sql(statement)

    def _begin_waiting(
        self, connection: sa.Connection, what: str, *, write: bool, stop: threading.Event, wait_s: float
    ) -> sa.RootTransaction:
        connection.execution_options(headrace_write=write)
        patience = stop_after_delay(wait_s)
        retrying = Retrying(
            retry=retry_if_exception_type(Busy),
            stop=patience,
            wait=wait_random_exponential(multiplier=0.005, max=0.2),
            sleep=lambda seconds: void(stop.wait(seconds)),
            reraise=True,
        )

        def begin() -> sa.RootTransaction:
            if stop.is_set():
                raise BatchStopped(f"{what}: told to stop while waiting for the warehouse")
            with self.faults(what):
                return connection.begin()

        return retrying(begin)

    @staticmethod
    def _roll_back(transaction: sa.RootTransaction) -> None:
        try:
            transaction.rollback()
        except Exception:  # noqa: BLE001 - pymssql raises here what SQLAlchemy does not know
            # The transaction is gone with its connection, or by itself; the first error says why.
            transaction.connection.invalidate()


def void(_: object) -> None:
    """Drops a result."""


def _no_schema(_: object) -> str:
    """Of any table."""
    return ""


def sqlite_warehouse(path: str | Path, *, create_tables: bool = True, lock_wait_s: float = LOCK_WAIT_S) -> Warehouse:
    """A warehouse in one SQLite file, made if it is not there; its folder must be."""
    file = Path(path)

    def connect() -> sqlite3.Connection:
        # One thread at a time uses a connection, not always the one that opened it.
        connection = sqlite3.connect(file, timeout=0.25, check_same_thread=False, cached_statements=512)
        connection.execute("PRAGMA journal_mode = WAL")
        return connection

    return Warehouse("sqlite", connect, create_tables=create_tables, lock_wait_s=lock_wait_s)
