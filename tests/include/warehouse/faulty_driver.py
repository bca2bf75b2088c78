"""A DB-API connection around another one, in which things go wrong when asked to."""

from __future__ import annotations

import sqlite3
import traceback
from collections.abc import Callable
from typing import Any

import pymssql

PLANTED = "planted-patient-name"
"""Stands in rows and in the texts of errors; no log, exception or house table may say it."""


def mssql_error(number: int, kind: type[Exception] = pymssql.OperationalError) -> Exception:
    """As pymssql raises it, with the server's text, which quotes values."""
    return kind(number, f"The value is ({PLANTED}).DB-Lib error message 20018, severity 16:\n".encode())


def closed_connection() -> Exception:
    return pymssql.InterfaceError(f"Connection is closed: {PLANTED}.")


def sqlite_error() -> Exception:
    error = sqlite3.OperationalError(f"near '{PLANTED}'")
    error.sqlite_errorcode, error.sqlite_errorname = 10, "SQLITE_IOERR"
    return error


class Faults:
    """What goes wrong, once; with `loses` the connection is dead from then on."""

    def __init__(self, error: Callable[[], Exception]) -> None:
        self.error = error
        self.execute_in: int | None = None
        self.commit: str | None = None
        self.loses = False
        self.rollback: Exception | None = None
        self.executed = 0
        self.before_execute: Callable[[str], None] = lambda text: None


class FaultyConnection:
    def __init__(self, inner: Any, faults: Faults) -> None:
        object.__setattr__(self, "_inner", inner)
        object.__setattr__(self, "_faults", faults)
        object.__setattr__(self, "_dead", False)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._inner, name, value)

    def fail(self) -> Exception:
        if self._faults.loses:
            object.__setattr__(self, "_dead", True)
            self._inner.close()
        return self._faults.error()

    def check(self) -> None:
        if self._dead:
            raise self._faults.error()

    def cursor(self, *arguments: Any) -> FaultyCursor:
        self.check()
        return FaultyCursor(self, self._inner.cursor(*arguments), self._faults)

    def commit(self) -> None:
        self.check()
        where, self._faults.commit = self._faults.commit, None
        if where == "before":
            raise self.fail()
        self._inner.commit()
        if where == "after":
            raise self.fail()

    def rollback(self) -> None:
        self.check()
        self._inner.rollback()
        error, self._faults.rollback = self._faults.rollback, None
        if error is not None:
            raise error

    def close(self) -> None:
        if not self._dead:
            self._inner.close()


class FaultyCursor:
    def __init__(self, connection: FaultyConnection, inner: Any, faults: Faults) -> None:
        self._connection, self._inner, self._faults = connection, inner, faults

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __iter__(self) -> Any:
        return iter(self._inner)

    def execute(self, text: str, *parameters: Any) -> Any:
        faults = self._faults
        self._connection.check()
        faults.before_execute(text)
        faults.executed += 1
        if faults.execute_in is not None:
            faults.execute_in -= 1
            if faults.execute_in < 0:
                faults.execute_in = None
                raise self._connection.fail()
        return self._inner.execute(text, *parameters)


def everything_said(error: BaseException | None) -> str:
    """By an exception and all that it is linked to, also where a traceback would leave it out."""
    texts = ["".join(traceback.format_exception(error))] if error is not None else []
    waiting, seen = [error], set()
    while waiting:
        found = waiting.pop()
        if found is None or id(found) in seen:
            continue
        seen.add(id(found))
        texts.append(repr(found))
        waiting += [found.__cause__, found.__context__]
    return "\n".join(texts)
