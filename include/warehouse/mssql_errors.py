"""Errors of SQL Server and of DB-Library by number: what to do next, and what to tell whoever reads the log.

The numbers are those that Microsoft documents as transient, and those that clients of its own retry.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

TRANSIENT = frozenset(
    # Deadlock victim, lock timeout, conflicts of row versions, no locks or no memory left for now.
    {1205, 1222, 1203, 1204, 1221, 3935, 3960, 3966, 41301, 41302, 41305, 41325, 41839, 601, 701, 802, 845}
    # Time-outs of resources; a tempdb or a disk that is full, which somebody mends meanwhile.
    | {8628, 8645, 8651, 10922, 10928, 10929, 10936, 1105, 1807, 9002}
    # Failover, throttling and reconfiguration of a hosted server.
    | {40197, 40501, 40540, 40613, 42108, 42109, 49918, 49919, 49920, 4221, 615, 617, 669}
    # A database or a replica that starts, recovers or changes its role; a server that stops or was just started.
    | {913, 921, 922, 926, 927, 952, 976, 978, 979, 981, 982, 983, 988, 6005, 17142, 17197, 18401}
    # Session killed, or its connection lost: as the server, the network and DB-Library say it.
    | {596, 64, 121, 233, 10053, 10054, 10060, 11001}
    | {20002, 20003, 20004, 20006, 20009, 20017, 20047}
)

SEE_SERVER = 20018
"""DB-Library's own words are only that the server has spoken."""

LOGIN = frozenset({4060, 18456, SEE_SERVER})
"""The database cannot be opened, the login failed, or something of the kind: names or password are wrong. While a
server starts or fails over, the right ones are refused in the same way."""

CONSTRAINTS: Mapping[int, str] = {
    2627: "unique",
    2601: "unique",
    547: "reference_or_check",
    515: "not_null",
    8152: "value",
    2628: "value",
    220: "value",
    232: "value",
    244: "value",
    248: "value",
    8115: "value",
    8114: "value",
    245: "value",
    241: "value",
    242: "value",
    8169: "value",
    # Rows and entries of an index have a size of their own, which no column's length tells.
    511: "row_size",
    1946: "row_size",
}
"""Of these the server refuses a statement for what is in its rows."""

_REFUSED = (
    "the server refused the login: check login and password of the connection, and that the database in its schema "
    "field exists and has a user for this login"
)
_NO_DATABASE = "the database in the connection's schema field is not there, or this login may not open it"
_NO_PERMISSION = "the login lacks a permission in the database; `make mssql-check CONN=…` names it"
_NO_SERVER = "no connection to the server: check host and port of the connection, and encryption and tds_version"

ADVICE: Mapping[int, str] = {
    18456: _REFUSED,
    18452: "the server refused the login: it takes Windows logins only",
    18470: "the server refused the login: it is disabled",
    18486: "the server refused the login: it is locked",
    18487: "the server refused the login: its password has expired",
    18488: "the server refused the login: its password must be changed first",
    SEE_SERVER: _REFUSED,
    4060: _NO_DATABASE,
    911: _NO_DATABASE,
    916: _NO_DATABASE,
    229: _NO_PERMISSION,
    230: _NO_PERMISSION,
    262: "the login may not create this in the database: grant it, or make the tables and set create_tables to false",
    2760: "the schema is not there, or the login may not use it",
    208: "a table or view is not there, or the login may not see it",
    544: "a column of a table numbers itself: its declaration must say identity_insert",
    3906: "the database can only be read",
    1105: "the database has no space left",
    9002: "the log of the database has no space left",
    20002: _NO_SERVER,
    20009: _NO_SERVER,
    20003: "no answer within the connection's timeout",
}
"""For a person; never the server's own text, which quotes values, names and logins."""

_OWN_WORDS = b"DB-Lib error message "
_OWN_NUMBER = re.compile(_OWN_WORDS + rb"(\d+)")

_NOT_CONNECTED = frozenset({20002, 20009})
_TIMED_OUT = 20003


def error_number(error: BaseException) -> int:
    """0 when there is none; pymssql puts it first in `args`, or first in a tuple there.

    To a failed connect pymssql gives the number of the worst error that the process ever had at one, and of this
    error only the text. Where that says that there is no connection, and does not point at words of the server, the
    server has refused nothing (it may have greeted), and DB-Library's number counts. Where the text points at words
    of the server that are not in it, an earlier error was worse, and the number is that one's. A statement that took
    too long costs its connection, whose end is the worse error and not the one to know.
    """
    parts = error.args[0] if error.args and isinstance(error.args[0], tuple) else error.args
    number = getattr(error, "number", None) or (parts[0] if parts else None)
    text = parts[1] if len(parts) > 1 else None
    own = [int(found) for found in _OWN_NUMBER.findall(text)] if isinstance(text, bytes) else []
    if own and SEE_SERVER not in own:
        told = [found for found in own if found in _NOT_CONNECTED or own[0] == found == _TIMED_OUT]
        number = told[0] if told else number
    elif own[:1] == [SEE_SERVER] and isinstance(text, bytes) and text.startswith(_OWN_WORDS):
        return SEE_SERVER
    return number if isinstance(number, int) else 0
