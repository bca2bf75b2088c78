"""The command `python -m include.warehouse.server_check CONN`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout

from include.engine.errors import HeadraceError
from include.warehouse.connection import Warehouse
from include.warehouse.server_check.check import UNCHECKED, ServerCheck

DESCRIPTION = """\
Tries a SQL Server as pipelines would use it: connection, permissions, a scratch schema, values at the ends of every
type, values over every limit, and the throughput of the ways to load, side by side. It leaves nothing behind.

CONN is the id of an Airflow connection, or its URI (mssql://…). Where it is not given, the environment's CONN is
taken, which keeps the password of a URI out of the list of processes.
"""

EXIT_CODES = """\
exit codes:
  0  pipelines can load here
  1  something that they need is missing or not exact
  2  the server could not be asked
"""

CONN_ID = "headrace_server_check"


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code; wrong arguments raise `SystemExit(2)`."""
    parser = argparse.ArgumentParser(
        prog="python -m include.warehouse.server_check",
        description=DESCRIPTION,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("conn", metavar="CONN", nargs="?", help="id of an Airflow connection, or its URI")
    given = parser.parse_args(arguments).conn or os.environ.get("CONN")
    if not given:
        parser.error("give CONN: the id of an Airflow connection, or its URI")
    try:
        warehouse = _open(given)
        if warehouse.name != "mssql":
            return _refuse("this connection is no SQL Server: there is nothing to check")
        return ServerCheck(warehouse, sys.stdout).run()
    except HeadraceError as error:
        return _refuse(str(error))
    except ImportError as error:
        return _refuse(f"{error}; connections are Airflow's, which must be installed")
    except Exception as error:  # noqa: BLE001 - of Airflow or a driver, and its message may hold a password
        return _refuse(f"the check met an error that it does not know ({type(error).__name__}), and cannot go on")


def _refuse(message: str) -> int:
    sys.stdout.flush()
    sys.stderr.write(f"error: {message}\n")
    return UNCHECKED


def _open(conn: str) -> Warehouse:
    if "://" in conn:
        os.environ[f"AIRFLOW_CONN_{CONN_ID.upper()}"] = conn
        conn = CONN_ID
    # Airflow logs to what is standard output when it is loaded; there the report stands.
    with redirect_stdout(sys.stderr):
        from include.warehouse.airflow_connections import open_in_terminal  # noqa: PLC0415 - Airflow takes seconds to load

        return open_in_terminal(conn)


if __name__ == "__main__":
    sys.exit(main())
