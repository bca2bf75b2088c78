"""The Dag in real Airflow, task after task in this process, on disk and on S3 over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.models.asset import AssetEvent
from airflow.sdk.api.datamodels._generated import DagRunState
from airflow.utils.session import create_session
from sqlalchemy import select

from include.sandbox.documents import DocumentSample, document_key, document_lines, write_documents
from tests.fixtures.object_store import SECRET, ObjectServer, object_server
from tests.fixtures.tables import assert_every_record_settled_once, one, rows

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS, BROKEN = 12, 1
NO_WINDOW = {"window_start": None, "window_end": None}

Run = Callable[..., str]


@pytest.fixture
def sample(tmp_path: Path) -> DocumentSample:
    (tmp_path / "work").mkdir()
    (tmp_path / "texts").mkdir()
    return write_documents(tmp_path / "documents", DOCUMENTS, broken=BROKEN)


@pytest.fixture
def variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def set_it(**more: Any) -> None:
        settings = {"roots": [str(tmp_path / "documents")], "work_folder": str(tmp_path / "work")}
        settings |= {"text_folder": str(tmp_path / "texts"), **more}
        monkeypatch.setenv("AIRFLOW_VAR_HEADRACE_PDF_TEXT", json.dumps(settings))

    set_it()
    return set_it


@pytest.fixture
def run(airflow_database: None, warehouse: Path, variable: Callable[..., None]) -> Run:
    def run_it(**conf: Any) -> str:
        # A new one each time: `dag.test` leaves the run's conf in the Params of the Dag.
        dag = DagBag(str(ROOT / "dags")).dags["pdf_text"]
        chosen = {"batch_size": 6, "workers": 2, "ocr": "never", "max_reject_rate": 1}
        return str(dag.test(run_conf=chosen | conf).state)

    return run_it


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectServer]:
    with object_server() as server:
        server.start_afresh()
        monkeypatch.setenv("AIRFLOW_CONN_CASE_STORE", server.connection())
        yield server


def last_summary(warehouse: Path) -> dict[str, Any]:
    return dict(json.loads(rows(warehouse, "SELECT summary FROM headrace_runs ORDER BY run_no")[-1][0]))


def test_a_run_settles_every_document_and_tells_how_fast_it_was(
    run: Run, warehouse: Path, sample: DocumentSample, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    assert run() == DagRunState.SUCCESS

    assert_every_record_settled_once(warehouse, "pdf_text", DOCUMENTS)
    assert one(warehouse, "SELECT count(*) FROM document_pages") == sample.pages
    found = one(warehouse, "SELECT text FROM document_pages WHERE document_uuid = ? AND page = 1", str(document_key(3)))
    assert found.splitlines() == document_lines(3)[0]
    assert rows(warehouse, "SELECT state, batches_planned, records_planned FROM headrace_runs") == [
        ("succeeded", 2, DOCUMENTS)
    ]
    assert last_summary(warehouse)["warnings"] == {"needs_ocr pages": 1}
    with create_session() as session:
        extra = session.scalars(select(AssetEvent).order_by(AssetEvent.id.desc()).limit(1)).one().extra
    assert (extra["records_read"], extra["records_rejected"]) == (DOCUMENTS, BROKEN)
    log = caplog.text + "".join(capfd.readouterr())
    assert "6 documents (" in log
    assert document_lines(3)[0][1] not in log


def test_the_unchanged_is_skipped_unless_forced_and_text_files_are_written_when_asked_for(
    run: Run, warehouse: Path, sample: DocumentSample, tmp_path: Path
) -> None:
    assert run() == DagRunState.SUCCESS
    assert list((tmp_path / "texts").iterdir()) == []
    assert run(text_files=True) == DagRunState.SUCCESS
    again = last_summary(warehouse)
    assert (again["records_skipped"], again["records_written"]) == (DOCUMENTS - BROKEN, 0)
    assert len(list((tmp_path / "texts").iterdir())) == DOCUMENTS - BROKEN
    text = (tmp_path / "texts" / f"{document_key(3)}.txt").read_text()
    assert [page.splitlines() for page in text.split("\f")] == document_lines(3)
    assert run(force=True) == DagRunState.SUCCESS
    assert last_summary(warehouse)["records_written"] == DOCUMENTS - BROKEN


def test_open_rejects_only_replays_just_them(run: Run, warehouse: Path, sample: DocumentSample) -> None:
    assert run() == DagRunState.SUCCESS
    broken = sample.manifest.parent / f"{DOCUMENTS - 1}.pdf"
    broken.write_bytes((sample.manifest.parent / "3.pdf").read_bytes())

    assert run(**NO_WINDOW, open_rejects_only=True) == DagRunState.SUCCESS

    assert rows(warehouse, "SELECT records_planned FROM headrace_runs ORDER BY run_no")[-1] == (BROKEN,)
    assert one(warehouse, "SELECT count(*) FROM headrace_rejects WHERE resolved_at IS NULL") == 0


def test_a_prefix_is_read_by_the_date_of_arrival_through_the_connection(
    run: Run, warehouse: Path, sample: DocumentSample, s3: ObjectServer, variable: Callable[..., None], capfd: Any
) -> None:
    for number in range(4):
        s3.put(f"incoming/{number}.pdf", (sample.manifest.parent / f"{number}.pdf").read_bytes())
    store = {"s3_conn_id": "case_store", "s3_prefixes": ["s3://cases/incoming/"]}
    variable(**store, work_folder="s3://cases/work/", text_folder="s3://cases/texts/", manifest="s3://cases/incoming/")
    ever = {"window_start": "2000-01-01T00:00:00Z", "window_end": "2100-01-01T00:00:00Z"}
    past = {"window_start": "2000-01-01T00:00:00Z", "window_end": "2000-01-02T00:00:00Z"}

    assert run(**past) == DagRunState.SUCCESS
    assert rows(warehouse, "SELECT records_planned FROM headrace_runs") == [(0,)]
    assert run(**ever, text_files=True) == DagRunState.SUCCESS

    assert_every_record_settled_once(warehouse, "pdf_text", 4)
    assert len(s3.keys("texts/")) == 4
    assert one(warehouse, "SELECT window_end FROM headrace_runs ORDER BY run_no DESC").startswith("2100-01-01")
    seen = "".join(capfd.readouterr())
    assert SECRET not in seen
    assert "X-Amz-Signature" not in seen


@pytest.mark.parametrize(
    ("conf", "message"),
    [
        ({"manifest": "none.ndjson"}, "manifest: file.missing"),
        ({"manifest": "../work/x.ndjson"}, "manifest: file.outside_roots"),
        ({"manifest": "s3://cases/incoming/"}, "set s3_conn_id and s3_prefixes"),
        ({"roots": ["/"]}, "unknown in the run's conf: roots"),
        (
            {"window_start": "2000-01-01T00:00:00Z", "window_end": "2000-01-02T00:00:00Z"},
            "a manifest has no change dates",
        ),
    ],
)
def test_bad_input_fails_the_plan_and_starts_no_work(
    run: Run,
    warehouse: Path,
    sample: DocumentSample,
    caplog: pytest.LogCaptureFixture,
    capfd: Any,
    conf: Any,
    message: str,
) -> None:
    assert run(**conf) == DagRunState.FAILED
    assert message in capfd.readouterr().out + caplog.text
    if warehouse.exists():
        assert one(warehouse, "SELECT count(*) FROM headrace_records") == 0


def test_a_faulty_manifest_fails_the_plan_with_every_fault(
    run: Run, warehouse: Path, sample: DocumentSample, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    lines = sample.manifest.read_text().splitlines()
    sample.manifest.write_text("\n".join([*lines, lines[1], "{}"]))
    assert run() == DagRunState.FAILED
    log = capfd.readouterr().out + caplog.text
    assert f"line {DOCUMENTS + 2}: document_uuid is that of line 2 too" in log
    assert f"line {DOCUMENTS + 3}: document_uuid is missing" in log
    assert one(warehouse, "SELECT count(*) FROM headrace_records") == 0
