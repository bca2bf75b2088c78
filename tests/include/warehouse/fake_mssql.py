"""Stands for SQL Server behind pymssql: records what is executed, and keeps what is committed.

It answers what the ledger must hear, with the ordinal and the last receipt of the one batch that it knows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from pymssql import _mssql

from include.warehouse.loaders import mssql

Answer = tuple[list[str], list[tuple[Any, ...]]]
Statement = tuple[str, Any]
VERSION = "Microsoft SQL Server 2022 - 16.0.1000.6 (X64)"


class FakeServer:
    def __init__(self) -> None:
        self.connects: list[dict[str, Any]] = []
        self.statements: list[Statement] = []
        self.committed: list[Statement] = []
        self.events: list[str] = []
        self.fail: tuple[str, Exception] | None = None
        self.has_identity = 1
        self.version = VERSION
        self.denied: set[str] = set()
        self.schemas: list[str] = []
        self.appears: list[tuple[Any, ...]] = []
        """Columns, as the catalog has them, of tables that are there once one could not be created."""
        self.line: dict[str, Any] = {"owner": "owner 1", "state": "running", "ordinal": 0, "receipt": None}

    def connect(self, **arguments: Any) -> FakeConnection:
        self.connects.append(arguments)
        return FakeConnection(self)

    def inserted(self, table: str) -> list[list[Any]]:
        """Rows of committed inserts, in their order; what was deleted in between is not taken away."""
        start = f"INSERT INTO [stage].[{table}]"
        return [row for text, given in self.committed if text.startswith(start) for row in json.loads(given[0])]

    def of_house_tables(self) -> str:
        """What was sent to rejects, ledger and runs: no values of records belong there."""
        return repr([part for part in self.statements if "headrace_" in part[0]])

    def answer(self, text: str, parameters: Any = None) -> Answer | None:
        line = self.line
        if "HAS_PERMS_BY_NAME" in text:
            return ["allowed"], [(int(not self.denied & set(parameters)),)]
        if text in (mssql.COLUMNS_OF, mssql.SCHEMA_ID):
            return self._of_catalog(text, parameters)
        known: list[tuple[str, Answer]] = [
            ("db_name() as name", (["version", "name", "own_schema"], [(self.version, "dw", "dbo")])),
            ("@@version", (["v"], [(self.version,)])),
            ("sp_getapplock", (["granted"], [(0,)])),
            ("output inserted", (["id"], [(41,)])),
            ("as has_identity", (["has_identity"], [(self.has_identity,)])),
            (
                "last_receipt \nfrom",
                (
                    ["owner", "state", "ordinal", "last_receipt"],
                    [(line["owner"], line["state"], line["ordinal"], line["receipt"])],
                ),
            ),
        ]
        for part, answer in known:
            if part in text.lower():
                return answer
        if "schema_name" in text.lower() and "sys.tables" not in text:
            return ["s"], [("dbo",)]
        if re.match(r"\s*(SELECT|DECLARE @granted)", text):
            return ["x"], []
        return None

    def _of_catalog(self, text: str, parameters: Any) -> Answer:
        if text == mssql.SCHEMA_ID:
            return ["schema_id"], [(5 if parameters[0] in self.schemas else None,)]
        created = any("CREATE TABLE" in sent for sent, _ in self.statements)
        return ["n"] * 7, self.appears if created else []


class FakeConnection:
    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.pending: list[Statement] = []

    def cursor(self) -> FakeCursor:
        return FakeCursor(self)

    def autocommit(self, status: bool) -> None:
        self.server.events.append(f"autocommit {status}")

    def commit(self) -> None:
        self.server.events.append("commit")
        self.server.committed += self.pending
        for text, given in self.pending:
            if "SET ordinal=" in text:
                self.server.line["ordinal"] += 1
            elif "last_receipt=" in text and "receipt" in given:
                self.server.line["receipt"] = given["receipt"]
        self.pending = []

    def bulk_copy(self, *arguments: Any, **options: Any) -> None:
        raise _mssql.MSSQLDriverException("bulk copy is not for every server")

    def rollback(self) -> None:
        self.server.events.append("rollback")
        self.pending = []

    def close(self) -> None:
        self.server.events.append("close")
        self.pending = []


class FakeCursor:
    rowcount = 1
    lastrowid = None
    description: Any = None

    def __init__(self, connection: FakeConnection) -> None:
        self.connection = connection
        self.server = connection.server
        self.rows: list[tuple[Any, ...]] = []

    def execute(self, text: str, parameters: Any = None) -> None:
        self.server.statements.append((text, parameters))
        if self.server.fail and self.server.fail[0] in text:
            raise self.server.fail[1]
        self.connection.pending.append((text, parameters))
        if "SET ordinal=" in text:
            self.rowcount = int(parameters["before"] == self.server.line["ordinal"])
            if not self.rowcount:
                self.connection.pending.pop()
        answer = self.server.answer(text, parameters)
        self.description = [(name, 1, None, None, None, None, None) for name in answer[0]] if answer else None
        self.rows = list(answer[1]) if answer else []

    def executemany(self, text: str, many: Any) -> None:
        for parameters in many:
            self.execute(text, parameters)

    def fetchall(self) -> list[tuple[Any, ...]]:
        rows, self.rows = self.rows, []
        return rows

    def fetchone(self) -> tuple[Any, ...] | None:
        return self.rows.pop(0) if self.rows else None

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.fetchall())

    def close(self) -> None:
        self.rows = []
