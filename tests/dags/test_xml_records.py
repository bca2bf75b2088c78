"""The Dag in real Airflow, task after task in this process."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.models.asset import AssetEvent
from airflow.sdk.api.datamodels._generated import DagRunState
from airflow.utils.session import create_session
from sqlalchemy import select

from include.sandbox.lending import FIRST_KEY, Sample, lending_document, write_sample
from include.warehouse.connection import sqlite_warehouse
from include.warehouse.key_lists import store_keys
from tests.fixtures.tables import assert_every_record_settled_once, contents, one, rows

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = 120
EVERYTHING = {"window_start": "2025-01-01T00:00:00Z", "window_end": "2026-01-01T00:00:00Z"}

NO_WINDOW = {"window_start": None, "window_end": None}

Run = Callable[..., str]


@pytest.fixture
def sample(tmp_path: Path, warehouse: Path) -> Sample:
    return write_sample(tmp_path / "source.db", DOCUMENTS, size_bytes=4000, broken_share=0.1)


@pytest.fixture
def run(airflow_database: None, warehouse: Path) -> Run:
    def run_it(**conf: Any) -> str:
        # A new one each time: `dag.test` leaves the run's conf in the Params of the Dag.
        dag = DagBag(str(ROOT / "dags")).dags["xml_records"]
        return str(dag.test(run_conf={"batch_size": 50, "insert_batch": 10, **EVERYTHING, **conf}).state)

    return run_it


def mend(source: Path) -> None:
    """Replace every document by its sound form."""
    with closing(sqlite3.connect(source)) as connection, connection:
        for (key,) in connection.execute("SELECT app_id FROM app_xml").fetchall():
            sound = lending_document(key, size_bytes=4000)
            connection.execute("UPDATE app_xml SET xml = ? WHERE app_id = ?", (sound, key))


def test_a_run_settles_every_document_and_keeps_the_broken_ones_apart(
    run: Run, warehouse: Path, sample: Sample
) -> None:
    assert run() == DagRunState.SUCCESS

    assert_every_record_settled_once(warehouse, "xml_records", DOCUMENTS)
    assert one(warehouse, "SELECT count(*) FROM headrace_rejects") == sample.broken
    assert rows(warehouse, "SELECT state, batches_planned, records_planned FROM headrace_runs") == [
        ("succeeded", 3, DOCUMENTS)
    ]


def test_open_rejects_only_replays_just_them_and_resolves_what_was_mended(
    run: Run, warehouse: Path, tmp_path: Path, sample: Sample
) -> None:
    assert run() == DagRunState.SUCCESS
    mend(tmp_path / "source.db")

    assert run(**NO_WINDOW, open_rejects_only=True) == DagRunState.SUCCESS

    last = rows(warehouse, "SELECT records_planned FROM headrace_runs ORDER BY run_no")[-1]
    assert last == (sample.broken,)
    assert one(warehouse, "SELECT count(*) FROM headrace_rejects WHERE resolved_at IS NULL") == 0
    assert one(warehouse, "SELECT count(*) FROM headrace_rejects") == sample.broken, "their history stays"
    assert len(contents(warehouse)["app_base"]) == DOCUMENTS


def test_a_dry_run_reads_everything_and_writes_nothing(run: Run, warehouse: Path, sample: Sample) -> None:
    assert run(dry_run=True) == DagRunState.SUCCESS

    assert not any(contents(warehouse).values())
    assert one(warehouse, "SELECT count(*) FROM headrace_records") == 0
    (summary,) = rows(warehouse, "SELECT summary FROM headrace_runs")[0]
    report = json.loads(summary)
    assert (report["records_read"], report["records_rejected"]) == (DOCUMENTS, sample.broken)


def test_a_dry_run_does_not_move_the_watermark(
    run: Run, warehouse: Path, sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    above = {"change_date_column": None, "without_change_date": "above_watermark"}
    monkeypatch.setenv("AIRFLOW_VAR_HEADRACE_XML_RECORDS", json.dumps(above))

    assert run(**NO_WINDOW, dry_run=True) == DagRunState.SUCCESS
    assert run(**NO_WINDOW) == DagRunState.SUCCESS
    assert_every_record_settled_once(warehouse, "xml_records", DOCUMENTS)

    assert run(**NO_WINDOW) == DagRunState.SUCCESS
    assert rows(warehouse, "SELECT records_planned FROM headrace_runs ORDER BY run_no") == [
        (DOCUMENTS,),
        (DOCUMENTS,),
        (0,),
    ]


def test_a_run_with_nothing_to_read_succeeds_and_says_so(run: Run, warehouse: Path, sample: Sample) -> None:
    assert run(**NO_WINDOW, open_rejects_only=True) == DagRunState.SUCCESS

    assert rows(warehouse, "SELECT state, batches_planned FROM headrace_runs") == [("succeeded", 0)]
    assert not any(contents(warehouse).values())


def test_the_asset_event_carries_the_counts_and_nothing_else(run: Run, sample: Sample) -> None:
    assert run() == DagRunState.SUCCESS

    with create_session() as session:
        extra = session.scalars(select(AssetEvent).order_by(AssetEvent.id.desc()).limit(1)).one().extra
    assert (extra["records_read"], extra["records_rejected"]) == (DOCUMENTS, sample.broken)
    assert extra["batches_planned"] == extra["batches_succeeded"] == 3
    assert extra["dry_run"] is False
    assert all(isinstance(value, int | float) for value in extra.values())
    assert len(json.dumps(extra)) < 1000


def test_a_key_range_and_a_stored_list_of_keys_select(run: Run, warehouse: Path, sample: Sample) -> None:
    assert run(key_lower=FIRST_KEY + 5, key_upper=FIRST_KEY + 8) == DagRunState.SUCCESS
    keys = [key for (key,) in rows(warehouse, "SELECT record_key FROM headrace_records ORDER BY 1")]
    assert keys == [str(FIRST_KEY + offset) for offset in (5, 6, 7)]

    absent = FIRST_KEY + 10 * DOCUMENTS
    store_keys(sqlite_warehouse(warehouse), "chosen", [FIRST_KEY, absent])
    assert run(**NO_WINDOW, key_list="chosen") == DagRunState.SUCCESS
    outcomes = dict(
        rows(warehouse, "SELECT record_key, outcome FROM headrace_records WHERE record_key NOT IN (?, ?, ?)", *keys)
    )
    assert outcomes == {str(FIRST_KEY): "written", str(absent): "rejected"}


@pytest.mark.parametrize(
    ("conf", "message"),
    [
        ({"unheard_of": 1}, "unknown in the run's conf: unheard_of"),
        ({"contract": "no_such"}, "no_such"),
        ({**NO_WINDOW, "key_list": "no_such"}, "key_list no_such: the warehouse has no such list"),
        ({"window_end": None}, "window_start and window_end go together"),
    ],
)
def test_bad_input_fails_the_plan_and_starts_no_work(
    run: Run, warehouse: Path, sample: Sample, caplog: pytest.LogCaptureFixture, capfd: Any, conf: Any, message: str
) -> None:
    assert run(**conf) == DagRunState.FAILED

    assert message in capfd.readouterr().out + caplog.text
    if warehouse.exists():
        assert not any(contents(warehouse).values())


def test_the_limit_of_rejects_fails_the_run_and_the_summary_says_so(
    run: Run, warehouse: Path, sample: Sample, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    assert run(max_rejects=sample.broken - 1) == DagRunState.FAILED

    log = capfd.readouterr().out + caplog.text
    assert re.search(rf"records read +{DOCUMENTS}\b", log), "the counts of a red run are in its log too"

    assert rows(warehouse, "SELECT state FROM headrace_runs") == [("failed",)]
    (summary,) = rows(warehouse, "SELECT summary FROM headrace_runs")[0]
    assert any("max_rejects is" in fault for fault in json.loads(summary)["faults"])


def test_the_log_and_the_ledger_name_no_value_of_a_document(
    run: Run, warehouse: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    write_sample(tmp_path / "source.db", 40, size_bytes=4000, broken_share=0.5)
    names = family_names(tmp_path / "source.db")
    assert len(names) > 5

    run(max_reject_rate=1)

    text = caplog.text + "".join(capfd.readouterr())
    text += repr(rows(warehouse, "SELECT * FROM headrace_rejects")) + repr(
        rows(warehouse, "SELECT * FROM headrace_batches")
    )
    assert "xml.value" in text
    assert not [name for name in names if name in text]


@pytest.mark.parametrize(("policy", "left"), [("keep", DOCUMENTS), ("count", DOCUMENTS), ("remove", DOCUMENTS - 3)])
def test_documents_that_vanished_from_the_source_are_kept_counted_or_removed(
    run: Run, warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: str, left: int
) -> None:
    source = tmp_path / "source.db"
    write_sample(source, DOCUMENTS, size_bytes=4000)
    everything = {"vanished": policy, "change_date_column": None, "without_change_date": "skip_unchanged"}
    monkeypatch.setenv("AIRFLOW_VAR_HEADRACE_XML_RECORDS", json.dumps(everything))
    assert run(**NO_WINDOW) == DagRunState.SUCCESS
    with closing(sqlite3.connect(source)) as connection, connection:
        connection.execute("DELETE FROM app_xml WHERE app_id < ?", (FIRST_KEY + 3,))

    assert run(**NO_WINDOW, key_upper=FIRST_KEY + 50) == DagRunState.SUCCESS
    assert len(contents(warehouse)["app_base"]) == DOCUMENTS, "a part of the source says nothing of the rest"
    assert run(**NO_WINDOW) == DagRunState.SUCCESS

    assert len(contents(warehouse)["app_base"]) == left
    skipped = json.loads(rows(warehouse, "SELECT summary FROM headrace_runs ORDER BY run_no")[-1][0])["records_skipped"]
    assert skipped == DOCUMENTS - 3, "the others had not changed"


def family_names(source: Path) -> set[str]:
    documents = rows(source, "SELECT xml FROM app_xml WHERE typeof(xml) = 'text'")
    return {name for (text,) in documents for name in re.findall(r"<Last>([^<]{4,})</Last>", text)}
