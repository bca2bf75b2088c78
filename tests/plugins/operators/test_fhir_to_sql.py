from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import Asset
from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse

from include.engine.errors import SettingsError
from include.pipelines.fhir.records import record_of
from include.pipelines.fhir.settings import FhirViewSettings
from include.warehouse.connection import sqlite_warehouse
from include.warehouse.window import Window
from plugins.operators.fhir_to_sql import FhirPlanOperator, FhirSummarizeOperator, FhirToSqlOperator
from tests.fixtures.object_store import object_server

JAN_1, JAN_2, JAN_3 = (datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3))
ASKED = {"window_start": JAN_2, "window_end": JAN_3}


@pytest.mark.parametrize(
    ("asked", "run_type", "expected"),
    [
        ({}, "scheduled", None),
        ({}, "manual", None),
        ({}, "backfill", Window(JAN_1, JAN_2)),
        (ASKED, "scheduled", Window(JAN_2, JAN_3)),
        (ASKED, "backfill", Window(JAN_2, JAN_3)),
        ({"key_list": "chosen"}, "backfill", None),
    ],
)
def test_only_a_backfill_and_a_window_that_was_asked_for_leave_the_watermark(
    asked: dict[str, Any], run_type: str, expected: Window | None
) -> None:
    context: Any = {
        "data_interval_start": JAN_1,
        "data_interval_end": JAN_2,
        "dag_run": SimpleNamespace(run_type=run_type),
    }
    task = FhirPlanOperator(task_id="plan")
    assert task.window(FhirViewSettings(**asked), context) == expected


def test_the_server_is_that_of_the_connection_and_a_stop_reaches_its_client(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = {"tries": 7, "auth": "bearer"}
    parts = {"conn_type": "http", "host": "https://fhir.example/r4", "password": "t0ken", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_HEADRACE_FHIR", json.dumps(parts))
    pipeline = FhirToSqlOperator(task_id="load", batch={}).build(
        FhirViewSettings(), None, sqlite_warehouse(tmp_path / "w.db")
    )
    assert pipeline._server.base_url == "https://fhir.example/r4"
    assert (pipeline._server.tries, pipeline._server.auth.kind) == (7, "bearer")


def test_what_is_kept_goes_through_the_connection_to_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_HEADRACE_FHIR", json.dumps({"conn_type": "http", "host": "https://fhir.example"}))
    settings = FhirViewSettings(
        kept_folder="s3://cases/kept", s3_conn_id="clinic_store", s3_prefixes=("s3://cases/kept/",)
    )
    record = record_of(b'{"resourceType": "Patient", "id": "p1"}')
    with object_server() as s3:
        s3.start_afresh()
        monkeypatch.setenv("AIRFLOW_CONN_CLINIC_STORE", s3.connection())
        task = FhirToSqlOperator(task_id="load", batch={})
        pipeline = task.build(settings, None, sqlite_warehouse(tmp_path / "w.db"))
        assert list(pipeline._kept().keeping([record])) == [record]
        (key,) = s3.keys()
        (batch,) = pipeline._kept().plan(["Patient"], 100)
        assert [found.key for found in pipeline.source().read(batch)] == ["Patient/p1"]
    assert key.startswith("kept/Patient/")


def test_a_connection_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="connection no_such is not there"):
        FhirPlanOperator(task_id="plan").build(
            FhirViewSettings(source_conn_id="no_such"), None, sqlite_warehouse(tmp_path / "w.db")
        )


class ClosedStore:
    """The API server takes no state."""

    def __getitem__(self, asset: Asset) -> ClosedStore:
        return self

    def set(self, key: str, value: str) -> None:
        raise AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR))


def test_a_state_that_cannot_be_set_fails_no_run_that_has_succeeded(capfd: pytest.CaptureFixture[str]) -> None:
    task = FhirSummarizeOperator(task_id="summarize", outlets=[Asset("headrace://fhir_views")])
    context: Any = {"asset_state_store": ClosedStore()}
    task._show(context, "2026-03-01T12:00:00.000000Z")
    assert "the state of asset headrace://fhir_views was not set" in capfd.readouterr().out
