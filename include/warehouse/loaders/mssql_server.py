"""T-SQL that sets a session up, and asks a server what it is and allows; that of `mssql` loads and compares."""

from __future__ import annotations

from collections.abc import Mapping

LOCK_TIMEOUT_MS = 30_000
"""A wait for a lock ends with error 1222, which is transient."""

_OFF = ("XACT_ABORT", "NOCOUNT", "NUMERIC_ROUNDABORT", "IMPLICIT_TRANSACTIONS")
_ON = ("ANSI_WARNINGS", "ANSI_PADDING", "ANSI_NULLS", "ARITHABORT", "QUOTED_IDENTIFIER", "CONCAT_NULL_YIELDS_NULL")

SESSION_SETUP = "; ".join(
    [
        f"SET LOCK_TIMEOUT {LOCK_TIMEOUT_MS}",
        "SET TEXTSIZE 2147483647",
        *(f"SET {option} OFF" for option in _OFF),
        *(f"SET {option} ON" for option in _ON),
        "IF @@TRANCOUNT > 1 COMMIT TRANSACTION",
    ]
)
"""Whatever `user options` of the server and `conn_properties` of the connection say, as far as rows depend on it.

- XACT_ABORT: a refused row must end its statement and not its transaction, to be narrowed down to its record.
- NOCOUNT: the counts of rows tell a commit whether the attempt still owns its batch.
- TEXTSIZE: longer documents would be cut. ANSI_WARNINGS, ARITHABORT: too large a value is an error, not cut or NULL.
- The other options that are ON, and ROUNDABORT: tables with filtered indexes or indexed views take no row otherwise.
- IMPLICIT_TRANSACTIONS: the driver's BEGIN would open a second transaction, and its COMMIT end the inner one alone.
"""

VERSION = "SELECT @@VERSION AS version, DB_NAME() AS name, SCHEMA_NAME() AS own_schema"

DATABASE = (
    "SELECT d.compatibility_level, d.collation_name, d.is_read_committed_snapshot_on "
    "FROM sys.databases AS d WHERE d.name = DB_NAME()"
)

SESSION = (
    "SELECT c.encrypt_option, c.net_packet_size, c.auth_scheme FROM sys.dm_exec_connections AS c "
    "WHERE c.session_id = @@SPID"
)
"""Needs VIEW SERVER STATE, which few logins have."""

DATABASE_PERMISSION = "SELECT HAS_PERMS_BY_NAME(QUOTENAME(DB_NAME()), N'DATABASE', %s) AS allowed"

SCHEMA_PERMISSION = "SELECT HAS_PERMS_BY_NAME(QUOTENAME(COALESCE(%s, SCHEMA_NAME())), N'SCHEMA', %s) AS allowed"

NEEDED: Mapping[str, str] = {
    "SELECT": "reads and compares",
    "INSERT": "loads",
    "UPDATE": "keeps records and ledger",
    "DELETE": "replaces by key",
}
"""Permissions on the tables' schema, and what for."""

NEEDED_TO_CREATE: Mapping[str, str] = {
    "ALTER": "creates tables in the schema",
    "REFERENCES": "creates foreign keys",
}
"""On the schema, unless tables are made by others and `create_tables` is false; with CREATE TABLE in the database."""


def scratch_schema(name: str) -> tuple[str, ...]:
    """Create a schema and a table, use them, drop them: statements for one transaction, which is rolled back."""
    return (
        f"CREATE SCHEMA [{name}]",
        f"CREATE TABLE [{name}].[scratch] ([id] bigint NOT NULL PRIMARY KEY, [text] nvarchar(max) NULL)",
        f"INSERT INTO [{name}].[scratch] ([id], [text]) VALUES (1, N'a')",  # noqa: S608 - a name made here
        f"DROP TABLE [{name}].[scratch]",
        f"DROP SCHEMA [{name}]",
    )


def drop_temporary(name: str) -> str:
    """Of this session's own."""
    return f"DROP TABLE [{name}]"


def empty_temporary(name: str) -> str:
    """Of this session's own."""
    return f"DELETE FROM [{name}]"  # noqa: S608 - a name made here
