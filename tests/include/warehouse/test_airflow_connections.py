from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from include.engine.errors import FatalError, SettingsError
from include.warehouse.airflow_connections import (
    open_in_terminal,
    open_s3,
    open_source,
    open_warehouse,
    service_parts,
)


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Any:
    def set_it(**fields: Any) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_TARGET", json.dumps(fields))

    return set_it


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What pymssql was asked to connect to, which it refuses."""
    seen: list[dict[str, Any]] = []

    def refuse(**arguments: Any) -> None:
        seen.append(arguments)
        raise ConnectionError

    monkeypatch.setattr("pymssql.connect", refuse)
    return seen


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
        ({"conn_type": "sqlite", "host": "/nowhere/at/all/w.db"}, "connection target: there is no folder /nowhere"),
        ({"conn_type": "postgres", "host": "h"}, "connection target has type 'postgres': use mssql"),
    ],
)
def test_a_connection_that_cannot_serve_is_named_with_the_fix(connection: Any, fields: Any, message: str) -> None:
    connection(**fields)

    with pytest.raises(SettingsError, match=message):
        open_warehouse("target")


def test_a_connection_that_is_not_there_is_fatal_and_says_how_to_give_it() -> None:
    with pytest.raises(SettingsError, match=r"connection nowhere is not there: .* AIRFLOW_CONN_NOWHERE"):
        open_warehouse("nowhere")


def test_a_source_file_is_neither_made_nor_changed(connection: Any, tmp_path: Path) -> None:
    file = tmp_path / "own #1?.db"
    connection(conn_type="sqlite", host=str(file))
    with pytest.raises(SettingsError, match="connection target: there is no file"):
        open_source("target")
    assert not file.exists()

    with closing(sqlite3.connect(file)) as database, database:
        database.execute("CREATE TABLE t (x)")
    before = file.read_bytes()
    with open_source("target").connect() as opened:
        assert opened.exec_driver_sql("SELECT count(*) FROM t").scalar_one() == 0
    with pytest.raises(FatalError, match="SQLITE_READONLY"):
        open_source("target").transact("write", lambda c: c.exec_driver_sql("INSERT INTO t VALUES (1)"))
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_a_source_in_the_warehouses_own_file_is_read_beside_its_writer(connection: Any, tmp_path: Path) -> None:
    connection(conn_type="sqlite", host=str(tmp_path / "w.db"))
    warehouse = open_warehouse("target")
    warehouse.transact("write", lambda c: c.exec_driver_sql("CREATE TABLE t (x)"))

    with warehouse.connect() as writer, warehouse.transaction(writer, "write"):
        writer.exec_driver_sql("INSERT INTO t VALUES (1)")
        with open_source("target").connect() as reader:
            assert reader.exec_driver_sql("SELECT count(*) FROM t").scalar_one() == 0


def test_an_mssql_connection_goes_through_the_provider_and_is_looked_up_once(
    connection: Any, refused: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    connection(
        conn_type="mssql", host="db", login="me", password="s3cret!", schema="dw", port=1444, extra={"timeout": 30}
    )
    warehouse = open_warehouse("target", create_tables=False)
    monkeypatch.delenv("AIRFLOW_CONN_TARGET")

    with pytest.raises(ConnectionError):
        warehouse.connect()

    assert refused == [
        {"server": "db", "user": "me", "password": "s3cret!", "database": "dw", "port": "1444"}
        | {"timeout": 30, "login_timeout": 15, "appname": "headrace"}
    ]
    assert not warehouse.create_tables


def test_a_port_that_is_not_given_is_the_servers_usual_one(connection: Any, refused: list[dict[str, Any]]) -> None:
    connection(conn_type="mssql", host="db", login="me", password="s3cret!", schema="dw")
    with pytest.raises(ConnectionError):
        open_warehouse("target").connect()
    assert refused[0]["port"] == "1433"


def test_an_option_that_is_none_is_refused_when_the_connection_is_looked_up(connection: Any) -> None:
    connection(conn_type="mssql", host="db", extra={"Timeout": 30})
    with pytest.raises(SettingsError, match="connection target: in its extras, there is no option Timeout"):
        open_warehouse("target")


def test_a_program_finds_connections_of_the_environment_and_of_airflows_own_database(
    connection: Any, tmp_path: Path, airflow_database: None
) -> None:
    from airflow.models import Connection  # noqa: PLC0415 - not before the environment is set
    from airflow.utils.session import create_session  # noqa: PLC0415 - as above

    file = tmp_path / "w.db"
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("CREATE TABLE t (x)")
    connection(conn_type="sqlite", host=str(file))
    with create_session() as session:
        session.add(Connection(conn_id="of_the_ui", conn_type="sqlite", host=str(file)))

    for name in ("target", "of_the_ui"):
        with open_in_terminal(name).connect() as opened:
            assert opened.exec_driver_sql("SELECT count(*) FROM t").scalar_one() == 0
        with pytest.raises(FatalError, match="SQLITE_READONLY"):
            open_in_terminal(name).transact("write", lambda c: c.exec_driver_sql("INSERT INTO t VALUES (1)"))
    with pytest.raises(SettingsError, match="connection nowhere is not there"):
        open_in_terminal("nowhere")


def test_a_programs_mssql_connection_goes_through_the_provider(connection: Any, refused: list[dict[str, Any]]) -> None:
    connection(conn_type="mssql", host="db", login="me", password="s3cret!", schema="dw", port=1444)
    with pytest.raises(ConnectionError):
        open_in_terminal("target").connect()
    assert {name: refused[0][name] for name in ("server", "user", "password", "database", "port")} == {
        "server": "db",
        "user": "me",
        "password": "s3cret!",
        "database": "dw",
        "port": "1444",
    }


def test_an_s3_connection_gives_a_client_that_does_not_retry_and_signs_links(connection: Any) -> None:
    extra = {"endpoint_url": "http://127.0.0.1:9", "region_name": "eu-central-1"}
    connection(conn_type="aws", login="a-key-of-mine", password="a-secret-of-mine", extra=extra)

    client = open_s3("target")

    link = client.generate_presigned_url("get_object", Params={"Bucket": "cases", "Key": "a.pdf"}, ExpiresIn=60)
    assert link.startswith("http://127.0.0.1:9/cases/a.pdf?X-Amz-Algorithm=AWS4-HMAC-SHA256")
    assert "a-secret-of-mine" not in link
    assert client.meta.config.retries["total_max_attempts"] == 1
    assert client.meta.config.connect_timeout + client.meta.config.read_timeout <= 20


def test_an_s3_connection_that_is_not_there_never_becomes_the_machines_own(
    connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-machine")
    with pytest.raises(SettingsError, match="connection nowhere is not there"):
        open_s3("nowhere")
    connection(conn_type="sqlite", host="/w.db")
    with pytest.raises(SettingsError, match="connection target has type 'sqlite': use aws"):
        open_s3("target")


def test_the_parts_of_a_service_are_plain_values_and_its_secrets_are_not_shown(connection: Any) -> None:
    connection(
        conn_type="http",
        host="fhir.example",
        port=8443,
        schema="https",
        login="me",
        password="s3cret",
        extra={"path": "r4", "token_url": "https://t0ken.example"},
    )

    parts = service_parts("target")

    assert (parts.host, parts.port, parts.schema, parts.login) == ("fhir.example", 8443, "https", "me")
    assert parts.password == "s3cret"
    assert json.loads(parts.extra or "") == {"path": "r4", "token_url": "https://t0ken.example"}
    assert "s3cret" not in repr(parts)
    assert "t0ken" not in repr(parts)


def test_a_service_without_connection_is_named() -> None:
    with pytest.raises(SettingsError, match="connection nowhere is not there"):
        service_parts("nowhere")
