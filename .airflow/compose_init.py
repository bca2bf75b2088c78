"""The init service of docker-compose.yaml: the admin's password, the warehouse database, then init.sh.

Running it again sets the passwords to what the environment holds now and changes nothing else.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pymssql

INIT = Path(__file__).resolve().parent / "init.sh"
DATABASE = LOGIN = "headrace"

# DDL takes no parameters from the server's view; pymssql writes them into the text, quoted.
STATEMENTS: list[tuple[str, bool]] = [
    (f"IF DB_ID(N'{DATABASE}') IS NULL CREATE DATABASE {DATABASE}", False),
    (
        f"""IF SUSER_ID(N'{LOGIN}') IS NULL CREATE LOGIN {LOGIN} WITH PASSWORD = %(password)s
        ELSE ALTER LOGIN {LOGIN} WITH PASSWORD = %(password)s""",
        True,
    ),
    (f"USE {DATABASE}", False),
    (f"IF USER_ID(N'{LOGIN}') IS NULL CREATE USER {LOGIN} FOR LOGIN {LOGIN}", False),
    # Headrace creates its tables itself; with create_tables off, a login that reads and writes is enough.
    (f"ALTER ROLE db_owner ADD MEMBER {LOGIN}", False),
]


def write_private(path: Path, document: Mapping[str, object]) -> None:
    """JSON that its owner alone can read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(json.dumps(document))


def create_warehouse(host: str, port: int, sa_password: str, password: str) -> None:
    """Creates what is missing of database, login and user; sets the login's password."""
    connection = pymssql.connect(
        server=host, port=str(port), user="sa", password=sa_password, autocommit=True, login_timeout=30, timeout=120
    )
    try:
        with connection.cursor() as cursor:
            for statement, takes_password in STATEMENTS:
                cursor.execute(statement, {"password": password} if takes_password else None)
    finally:
        connection.close()


def warehouse_connection(host: str, port: int, password: str) -> dict[str, object]:
    """As `airflow connections import` reads it."""
    return {
        "conn_type": "mssql",
        "host": host,
        "port": port,
        "schema": DATABASE,
        "login": LOGIN,
        "password": password,
    }


def main() -> int:
    """Exit code of init.sh; a missing variable is a KeyError that names it."""
    env = os.environ
    host, port = env["HEADRACE_MSSQL_HOST"], int(env.get("HEADRACE_MSSQL_PORT", "1433"))
    passwords = Path(env["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])
    write_private(passwords, {"admin": env["HEADRACE_ADMIN_PASSWORD"]})
    create_warehouse(host, port, env["HEADRACE_MSSQL_SA_PASSWORD"], env["HEADRACE_WAREHOUSE_PASSWORD"])
    connection = warehouse_connection(host, port, env["HEADRACE_WAREHOUSE_PASSWORD"])
    with tempfile.TemporaryDirectory() as folder:
        kept, first = Path(folder, "kept.json"), Path(folder, "first.json")
        write_private(kept, {"headrace_warehouse": connection})
        write_private(first, {"headrace_source": connection})
        files = {"HEADRACE_CONNECTIONS_FILE": str(kept), "HEADRACE_FIRST_CONNECTIONS_FILE": str(first)}
        return subprocess.run(["sh", INIT], env={**env, **files}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
