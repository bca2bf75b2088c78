"""The questions of the self-test, one after the other, and a report in lines."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TextIO, TypeVar

import sqlalchemy as sa

from include.engine.errors import FatalError, HeadraceError
from include.warehouse.connection import Warehouse
from include.warehouse.faults import ConstraintViolated
from include.warehouse.loaders import mssql_server as ask
from include.warehouse.loaders.mssql import PROBE
from include.warehouse.server_check.throughput import choice, lines, measure
from include.warehouse.server_check.values import EXACT, TOO_MUCH, Type, described, differences, is_refused

_T = TypeVar("_T")

SOUND, FAULTY, UNCHECKED = 0, 1, 2
"""Exit codes. `UNCHECKED`: the server could not be asked."""


@dataclass(slots=True)
class ServerCheck:
    """One call of the command.

    It leaves nothing behind, however it ends: the scratch schema lives in a transaction that is rolled back, all else
    in temporary tables, which go with their session. Neither holds anybody else up.
    """

    warehouse: Warehouse
    out: TextIO
    rows: int = 2_000
    repetitions: int = 3
    code: int = field(default=SOUND, init=False)

    def run(self) -> int:
        """The exit code. Prints no value of the database's and no secret."""
        try:
            self.warehouse.connect().close()
        except HeadraceError as error:
            self._say("connection", f"FAILED  {error}", UNCHECKED)
            return self.code
        self._server()
        self._permissions()
        self._json()
        self._scratch_schema()
        self._types()
        self._limits()
        self._throughput()
        return self.code

    def _server(self) -> None:
        version, database, schema = self._ask("connection", ask.VERSION) or ("unknown", "unknown", "unknown")
        first = " ".join(str(version).splitlines()[0].split())
        self._say("connection", f"ok      {first}; database {database}, schema {self.warehouse.schema or schema}")
        found = self._ask("database", ask.DATABASE)
        if found is not None:
            level, collation, snapshot = found
            readers = "readers do not wait for writers" if snapshot else "readers wait for writers"
            self._say("database", f"        compatibility level {level}, collation {collation}, {readers}")
        try:
            encrypted, packet, scheme = self._one(ask.SESSION)
        except HeadraceError:
            self._say("session", "        this login may not see whether TLS is on (VIEW SERVER STATE)")
        else:
            tls = "TLS is on" if str(encrypted).upper() == "TRUE" else "TLS is off: see encryption in mssql_options"
            self._say("session", f"        {tls}; packets of {packet} bytes, login by {scheme}")

    def _permissions(self) -> None:
        schema = self.warehouse.schema
        missing = [
            f"{name} ({purpose})"
            for name, purpose in ask.NEEDED.items()
            if not self._allowed(ask.SCHEMA_PERMISSION, schema, name)
        ]
        self._say(
            "permissions",
            f"FAILED  missing on the schema: {', '.join(missing)}" if missing else f"ok      {', '.join(ask.NEEDED)}",
            FAULTY if missing else SOUND,
        )
        creating = [name for name in ask.NEEDED_TO_CREATE if not self._allowed(ask.SCHEMA_PERMISSION, schema, name)]
        creating += [] if self._allowed(ask.DATABASE_PERMISSION, "CREATE TABLE") else ["CREATE TABLE"]
        lack = f"not without {', '.join(creating)}: make the tables yourself, with create_tables false"
        self._say("create tables", f"        {lack}" if creating else "ok")

    def _json(self) -> None:
        try:
            answer = tuple(self._one(PROBE))
        except HeadraceError as error:
            self._say("OPENJSON", f"FAILED  compatibility level 130 or more is needed ({error})", FAULTY)
            return
        if answer == (1, "\n"):
            self._say("OPENJSON", "ok")
        else:
            self._say("OPENJSON", "FAILED  escapes are not decoded as SQL Server does it", FAULTY)

    def _scratch_schema(self) -> None:
        name = f"headrace_check_{secrets.token_hex(4)}"

        def work(connection: sa.Connection) -> None:
            for statement in ask.scratch_schema(name):
                connection.exec_driver_sql(statement)

        try:
            self._rolled_back("scratch schema", work)
        except HeadraceError as error:
            self._say("scratch schema", f"        not created, which pipelines do not need: {error}")
        else:
            self._say("scratch schema", "ok      created, used, dropped, rolled back")

    def _types(self) -> None:
        faults: list[str] = []
        for type_, values in EXACT:
            try:
                faults += self._rolled_back(self._named(type_), partial(differences, type_, values))
            except HeadraceError as error:
                faults.append(str(error))
        count = sum(len(values) + 1 for _, values in EXACT)
        if not faults:
            self._say("values", f"ok      {count} values of {len(EXACT)} types came back exactly")
            return
        self._say("values", f"FAILED  {len(faults)} of {count} values of {len(EXACT)} types", FAULTY)
        for fault in faults:
            self._say("", f"        {fault}")

    def _limits(self) -> None:
        taken = [self._named(type_) for type_, wire in TOO_MUCH if not self.refuses(type_, wire)]
        text = (
            f"FAILED  values over the limit are taken by {', '.join(taken)}" if taken else "ok      refused, never cut"
        )
        self._say("over the limit", text, FAULTY if taken else SOUND)

    def refuses(self, type_: Type, wire: Any) -> bool:  # noqa: ANN401 - a wire value of any type
        """Whether a column takes no value that is larger than it."""
        try:
            return self._rolled_back(self._named(type_), partial(is_refused, type_, wire))
        except HeadraceError:
            return True

    def _throughput(self) -> None:
        figures = list(measure(self.warehouse, self.rows, self.repetitions))
        self._say("throughput", f"        {self.rows:,} rows of 17 columns, {self.repetitions} times")
        for line in lines(figures, self.rows):
            self._say("", f"        {line}")
        first = "" if self.code == SOUND else "once what FAILED above is right: "
        self._say("choice", f"        {first}{choice(figures)}")

    def _rolled_back(self, what: str, work: Callable[[sa.Connection], _T]) -> _T:
        """Raises `HeadraceError`; whatever happens, nothing of it stays."""
        try:
            with self.warehouse.connect() as connection, self.warehouse.transaction(connection, what):
                raise _Done(work(connection))
        except _Done as done:
            result: _T = done.result
            return result
        except ConstraintViolated as refused:
            raise FatalError(f"{what}: {refused.fault.label}") from None

    def _named(self, type_: Type) -> str:
        return described(type_, self.warehouse.engine.dialect)

    def _allowed(self, statement: str, *parameters: str | None) -> bool:
        try:
            return bool(self._one(statement, *parameters)[0] == 1)
        except HeadraceError:
            return False

    def _ask(self, title: str, statement: str) -> tuple[Any, ...] | None:
        try:
            return self._one(statement)
        except HeadraceError as error:
            self._say(title, f"        not told: {error}")
            return None

    def _one(self, statement: str, *parameters: str | None) -> tuple[Any, ...]:
        def work(connection: sa.Connection) -> tuple[Any, ...]:
            row = connection.exec_driver_sql(statement, parameters or None).first()
            return tuple(row) if row is not None else ()

        found = self.warehouse.transact("ask the server", work, write=False, patience_s=0)
        if not found:
            raise FatalError("the server gave no answer")
        return found

    def _say(self, title: str, text: str, code: int = SOUND) -> None:
        self.out.write(f"{title:<15} {text}".rstrip() + "\n")
        self.out.flush()
        self.code = max(self.code, code)


class _Done(Exception):
    """Ends a transaction that is to be rolled back, with what was found out in it."""

    def __init__(self, result: object) -> None:
        super().__init__("done")
        self.result: Any = result
