from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from include.engine.errors import SettingsError
from plugins.operators.connections import open_warehouse


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Any:
    def set_it(**fields: Any) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_TARGET", json.dumps(fields))

    return set_it


def test_a_sqlite_connection_is_a_file(connection: Any, tmp_path: Path) -> None:
    connection(conn_type="sqlite", host=str(tmp_path / "w.db"))

    with open_warehouse("target").connect() as opened:
        opened.exec_driver_sql("SELECT 1")

    assert (tmp_path / "w.db").exists()


def test_a_sqlite_uri_names_the_same_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_TARGET", f"sqlite:///{tmp_path}/w.db")

    with open_warehouse("target").connect():
        assert (tmp_path / "w.db").exists()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"conn_type": "sqlite", "host": "w.db"}, "connection target: give the absolute path"),
        ({"conn_type": "postgres", "host": "h"}, "connection target has type 'postgres': use mssql"),
    ],
)
def test_a_connection_that_cannot_serve_is_named_with_the_fix(connection: Any, fields: Any, message: str) -> None:
    connection(**fields)

    with pytest.raises(SettingsError, match=message):
        open_warehouse("target")


def test_an_mssql_connection_goes_through_the_provider_and_is_looked_up_once(
    connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection(
        conn_type="mssql", host="db", login="me", password="s3cret!", schema="dw", port=1444, extra={"timeout": 30}
    )
    seen: list[dict[str, Any]] = []

    def refuse(**arguments: Any) -> None:
        seen.append(arguments)
        raise ConnectionError

    monkeypatch.setattr("pymssql.connect", refuse)
    warehouse = open_warehouse("target", create_tables=False)
    monkeypatch.delenv("AIRFLOW_CONN_TARGET")

    with pytest.raises(ConnectionError):
        warehouse.connect()

    assert seen == [
        {"server": "db", "user": "me", "password": "s3cret!", "database": "dw", "port": "1444", "timeout": 30}
    ]
    assert not warehouse.create_tables
