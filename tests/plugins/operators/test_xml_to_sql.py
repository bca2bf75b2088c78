from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from include.sandbox.lending import write_sample
from plugins.operators.xml_to_sql import XmlPlanOperator, XmlSummarizeOperator, XmlToSqlOperator
from tests.fixtures.tables import contents, rows

DOCUMENTS = 30


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """The three tasks of a run above the watermark, as Airflow does them again after a clear or in a backfill."""
    for name in ("warehouse", "source"):
        connection = {"conn_type": "sqlite", "host": str(tmp_path / f"{name}.db")}
        monkeypatch.setenv(f"AIRFLOW_CONN_HEADRACE_{name.upper()}", json.dumps(connection))
    settings = {"change_date_column": None, "without_change_date": "above_watermark", "batch_size": 20}
    monkeypatch.setenv("AIRFLOW_VAR_HEADRACE_XML_RECORDS", json.dumps(settings))

    def run_it(run_id: str, max_tries: int) -> dict[str, Any]:
        returned: dict[str, Any] = {}
        ti = SimpleNamespace(
            dag_id="d",
            run_id=run_id,
            task_id="load",
            max_tries=max_tries,
            try_number=max_tries,
            id=f"{max_tries:016d}",
            xcom_pull=lambda task_ids: returned[task_ids],
        )
        context: Any = {"params": {}, "dag_run": SimpleNamespace(conf={}, dag_id="d", run_id=run_id), "ti": ti}
        returned["plan"] = XmlPlanOperator(task_id="plan").execute(context)
        returned["load"] = [
            XmlToSqlOperator(task_id="load", batch=batch).execute(dict(context)) for batch in returned["plan"]
        ]
        return dict(XmlSummarizeOperator(task_id="summarize").execute(context))

    return run_it


def test_a_run_above_the_watermark_that_is_done_again_redoes_all_that_it_read(
    run: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    write_sample(tmp_path / "source.db", DOCUMENTS, size_bytes=3000)
    assert run("first", 1)["records_written"] == DOCUMENTS
    before = contents(tmp_path / "warehouse.db")

    again = run("first", 2)

    assert (again["records_written"], again["records_resumed"], again["batches_planned"]) == (DOCUMENTS, 0, 2)
    assert contents(tmp_path / "warehouse.db") == before
    states = rows(tmp_path / "warehouse.db", "SELECT state FROM headrace_batches ORDER BY cycle_id")
    assert states == [("superseded",)] * 2 + [("succeeded",)] * 2
    assert run("second", 1)["records_planned"] == 0
