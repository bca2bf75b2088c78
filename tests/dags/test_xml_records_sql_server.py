"""The whole XML pipeline on a T-SQL server: source and warehouse there, the Dag in real Airflow in this process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.api.datamodels._generated import DagRunState

from include.pipelines.xml.language.files import find_contract
from include.pipelines.xml.settings import XmlSettings
from include.pipelines.xml.tables import target_of
from include.sandbox.lending import LendingDocument, lending_document, lending_documents, write_sample
from include.warehouse.connection import Warehouse, sqlite_warehouse
from include.warehouse.verify import verify
from tests.fixtures.t_sql_server import emptied_server, is_babelfish, server_uri
from tests.include.warehouse.toy_people import fetch

pytestmark = pytest.mark.mssql

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS, BROKEN_SHARE, SIZE = 40, 0.1, 4000
EVERYTHING = {"window_start": "2025-01-01T00:00:00Z", "window_end": "2026-01-01T00:00:00Z"}
NO_WINDOW = {"window_start": None, "window_end": None}
TARGET = target_of(find_contract("lending", XmlSettings().contract_folders))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    for name in ("WAREHOUSE", "SOURCE"):
        monkeypatch.setenv(f"AIRFLOW_CONN_HEADRACE_{name}", server_uri())
    return emptied_server()


def run(**conf: Any) -> str:
    # A new one each time: `dag.test` leaves the run's conf in the Params of the Dag.
    dag = DagBag(str(ROOT / "dags")).dags["xml_records"]
    return str(dag.test(run_conf={"batch_size": 25, "insert_batch": 10, **EVERYTHING, **conf}).state)


def fill(server: Warehouse, documents: Iterable[LendingDocument]) -> int:
    """Returns how many are broken; bytes, since some of the broken ones are no text."""
    rows = [(row.key, row.xml, row.changed_at.isoformat("T", "microseconds"), row.fault) for row in documents]

    def work(connection: sa.Connection) -> None:
        connection.exec_driver_sql(
            "CREATE TABLE app_xml (app_id bigint NOT NULL PRIMARY KEY, xml varbinary(max), changed_at datetime2(6))"
        )
        for key, xml, changed, _ in rows:
            data = xml.encode() if isinstance(xml, str) else xml
            connection.exec_driver_sql(
                "INSERT INTO app_xml (app_id, xml, changed_at) VALUES (%s, %s, %s)",
                (key, None if data is None else bytearray(data), changed),
            )

    server.transact("fill", work)
    return sum(1 for row in rows if row[-1])


def mend(server: Warehouse) -> None:
    def work(connection: sa.Connection) -> None:
        for (key,) in connection.exec_driver_sql("SELECT app_id FROM app_xml").all():
            sound = bytearray(lending_document(key, size_bytes=SIZE).encode())
            connection.exec_driver_sql("UPDATE app_xml SET xml = %s WHERE app_id = %s", (sound, key))

    server.transact("mend", work)


def contents(warehouse: Warehouse, view: Callable[[tuple[Any, ...]], Any] = tuple) -> dict[str, list[Any]]:
    """Every target table's rows, in an order that does not depend on how they came."""
    return {
        table.name: sorted((view(row) for row in fetch(warehouse, sa.select(table.table))), key=repr)
        for table in TARGET.tables
    }


def assert_settled(server: Warehouse, written: int, rejected: int) -> None:
    outcomes = fetch(server, "SELECT outcome, COUNT(*) FROM headrace_records GROUP BY outcome")
    assert dict(outcomes) == {outcome: n for outcome, n in (("written", written), ("rejected", rejected)) if n}
    unresolved = "SELECT COUNT(*) FROM headrace_rejects WHERE resolved_at IS NULL"
    assert fetch(server, unresolved) == [(rejected,)]
    assert verify(server, "xml_records", TARGET) == []


def test_documents_become_rows_once_whether_loaded_again_or_mended(
    airflow_database: None, server: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = fill(server, lending_documents(DOCUMENTS, size_bytes=SIZE, broken_share=BROKEN_SHARE))
    assert broken

    assert run() == DagRunState.SUCCESS
    assert_settled(server, DOCUMENTS - broken, broken)
    first = contents(server)

    assert run() == DagRunState.SUCCESS
    assert_settled(server, DOCUMENTS - broken, broken)
    assert contents(server) == first

    mend(server)
    assert run(**NO_WINDOW, open_rejects_only=True) == DagRunState.SUCCESS
    assert_settled(server, DOCUMENTS, 0)
    runs = fetch(server, "SELECT state, records_planned, summary FROM headrace_runs ORDER BY run_no")
    assert [(state, planned) for state, planned, _ in runs] == [
        ("succeeded", DOCUMENTS),
        ("succeeded", DOCUMENTS),
        ("succeeded", broken),
    ]
    assert json.loads(runs[0][2])["records_rejected"] == broken

    # What SQLite holds of the same documents is what SQL Server holds of them, value by value.
    write_sample(tmp_path / "source.db", DOCUMENTS, size_bytes=SIZE)
    for name, file in (("SOURCE", "source.db"), ("WAREHOUSE", "warehouse.db")):
        connection = {"conn_type": "sqlite", "host": str(tmp_path / file)}
        monkeypatch.setenv(f"AIRFLOW_CONN_HEADRACE_{name}", json.dumps(connection))
    assert run() == DagRunState.SUCCESS
    # Babelfish leaves escapes in the texts that OPENJSON shreds: there, only what is no text is compared.
    without_text = is_babelfish(server)
    view = (lambda row: tuple(v for v in row if not isinstance(v, str))) if without_text else tuple
    assert contents(server, view) == contents(sqlite_warehouse(tmp_path / "warehouse.db"), view)
