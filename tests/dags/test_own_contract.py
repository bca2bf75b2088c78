"""A table and a contract of one's own, as README.md has it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.api.datamodels._generated import DagRunState

from tests.fixtures.tables import assert_every_record_settled_once, contents

ROOT = Path(__file__).resolve().parents[2]
EVER = {"window_start": "1900-01-01T00:00:00Z", "window_end": "2100-01-01T00:00:00Z"}

CONTRACT = {
    "contract": "loans",
    "version": 1,
    "root": "loan",
    "key": {"column": "loan_id", "type": "string(40)", "path": "@id"},
    "tables": [
        {"name": "loan", "columns": [{"name": "amount", "type": "decimal(12,2)", "path": "amount", "required": True}]},
        {
            "name": "loan_party",
            "parent": "loan",
            "rows": "parties/party",
            "row_number": "party_no",
            "columns": [{"name": "full_name", "type": "string(80)", "path": "name"}],
        },
    ],
}

KEYS = [f"{{{{ 7 * 7 }}}}-{number:02d}" for number in range(20)]
"""Whoever writes the source must not have its keys evaluated by Airflow's templates."""


def document(key: str) -> str:
    parties = "<parties><party><name>A</name></party><party><name>B</name></party></parties>"
    return f'<loan id="{key}"><amount>7.50</amount>{parties}</loan>'


@pytest.fixture
def loans(tmp_path: Path, warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(sqlite3.connect(tmp_path / "source.db")) as source, source:
        source.execute("CREATE TABLE loan_documents (loan_id TEXT PRIMARY KEY, body TEXT, edited TEXT)")
        source.executemany(
            "INSERT INTO loan_documents VALUES (?, ?, ?)",
            [(key, document(key), "2026-01-02T03:04:05Z") for key in KEYS],
        )
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "loans.json").write_text(json.dumps(CONTRACT))
    settings = {
        "source_table": "loan_documents",
        "key_column": "loan_id",
        "xml_column": "body",
        "change_date_column": "edited",
        "contract": "loans",
        "contract_folder": str(tmp_path / "contracts"),
    }
    monkeypatch.setenv("AIRFLOW_VAR_HEADRACE_XML_RECORDS", json.dumps(settings))


def test_text_keys_of_a_table_of_ones_own_load_and_are_never_taken_for_templates(
    airflow_database: None, warehouse: Path, loans: None
) -> None:
    dag = DagBag(str(ROOT / "dags")).dags["xml_records"]

    assert dag.test(run_conf={"batch_size": 6, **EVER}).state == DagRunState.SUCCESS

    assert_every_record_settled_once(warehouse, "xml_records", len(KEYS))
    found = contents(warehouse)
    assert [key for key, _ in found["loan"]] == KEYS
    assert [row[:2] for row in found["loan_party"]] == [(key, number) for key in KEYS for number in (1, 2)]
