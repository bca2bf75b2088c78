"""The extras of an Airflow connection of type `mssql`: what they may say, and what holds where they say nothing.

| extra | | default |
|---|---|---|
| `encryption` | `off`, `request` (where the server can) or `require`: TLS | the driver's |
| `tds_version` | `7.3` or `7.4`; older ones have no datetime2 | the highest in common |
| `login_timeout` | seconds to connect and log in | 15 |
| `timeout` | seconds that the server may take over a statement | 300 |
| `appname` | what the server's own lists call this program | `headrace` |
| `table_schema` | schema of the tables | the login's own |
| `read_only` | `true`: the readable secondary of an availability group, for a source | `false` |
| `conn_properties` | statements of a new session, before the house's own | the driver's |

`timeout` and `login_timeout` are the driver's for the whole process: where a task has two connections of this type, the
one that connected last decides. Numbers and booleans may come as text, as a connection's URI has them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from include.engine.errors import SettingsError

DEFAULTS: Mapping[str, Any] = {"login_timeout": 15, "timeout": 300, "appname": "headrace"}

TABLE_SCHEMA = "table_schema"
"""Not the driver's: the warehouse qualifies names with it."""

_IGNORED = frozenset({"sqlalchemy_scheme"})
"""Of the provider's own."""


def driver_options(conn_id: str, extra: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
    """Keyword arguments for `pymssql.connect`, and the schema; raises `SettingsError` that lists all faults.

    No value of an extra is repeated in a message: what was meant for another place may be a secret.
    """
    options: dict[str, Any] = dict(DEFAULTS)
    faults = []
    for name, value in extra.items():
        if name in _IGNORED:
            continue
        if name not in _READERS:
            faults.append(f"there is no option {name}")
            continue
        read, wanted = _READERS[name]
        found = read(value)
        if found is None:
            faults.append(f"{name} takes {wanted}")
        options[name] = found
    if faults:
        known = ", ".join(_READERS)
        raise SettingsError(f"connection {conn_id}: in its extras, {'; '.join(faults)} (there are {known})")
    return options, options.pop(TABLE_SCHEMA, None)


def _seconds(value: object) -> int | None:
    text = str(value)
    return int(text) if re.fullmatch("[0-9]{1,5}", text) and 1 <= int(text) <= 86_400 else None


def _flag(value: object) -> bool | None:
    return {"true": True, "1": True, "false": False, "0": False}.get(str(value).lower())


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= 128 else None


def _statements(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _one_of(*known: str) -> Callable[[object], str | None]:
    return lambda value: text if (text := str(value).lower()) in known else None


_READERS: Mapping[str, tuple[Callable[[object], Any], str]] = {
    "encryption": (_one_of("off", "request", "require"), "off, request or require"),
    "tds_version": (_one_of("7.3", "7.4"), "7.3 or 7.4"),
    "login_timeout": (_seconds, "1 to 86400 seconds"),
    "timeout": (_seconds, "1 to 86400 seconds"),
    "appname": (_text, "1 to 128 characters"),
    TABLE_SCHEMA: (_text, "1 to 128 characters"),
    "read_only": (_flag, "true or false"),
    "conn_properties": (_statements, "text"),
}
