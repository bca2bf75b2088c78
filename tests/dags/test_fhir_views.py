"""The Dag in real Airflow, against a real FHIR server behind a proxy that fails."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.models.asset import AssetEvent, AssetModel
from airflow.models.asset_state_store import AssetStateStoreModel
from airflow.sdk.api.datamodels._generated import DagRunState
from airflow.utils.session import create_session
from sqlalchemy import select

from include.sandbox.fhir_people import clinic
from tests.fixtures.fhir_faults import Fault, FaultProxy, busy, closed, cut, cut_quietly, fault_proxy, reset, stuck_next
from tests.fixtures.fhir_server import fhir_server, load, patients
from tests.fixtures.loopback import Received, Reply, outcome
from tests.fixtures.tables import assert_every_record_settled_once, contents, one, rows

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PATIENTS = 999
QUICK = {"retry_min_s": 0, "retry_max_s": 0, "retry_after_max_s": 0, "poll_min_s": 0, "poll_max_s": 0.2, "tries": 5}
"""As a connection's extra: no test waits for a server's patience."""

Run = Callable[..., str]


class PageFaults:
    """Faults of the answers that bring resources; those of the plan, which counts and looks, pass."""

    def __init__(self, *faults: Fault | None) -> None:
        self.pending = list(faults)
        self.stuck = 0

    def __call__(self, request: Received, reply: Reply) -> Reply:
        if "_summary" in request.query or request.query.get("_count") == "1" or not self.pending:
            return reply
        fault = self.pending.pop(0)
        if fault is stuck_next and b'"relation":"next"' not in reply.body:  # type: ignore[operator]
            return reply
        self.stuck += fault is stuck_next
        return reply if fault is None else fault(request, reply)


def refused(request: Received, reply: Reply) -> Reply:
    return outcome(403, code="forbidden")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """999 patients; tests that change some put them back."""
    with fhir_server(tmp_path_factory.mktemp("fhir") / "server") as base:
        load(base, patients(PATIENTS))
        yield base


@contextmanager
def connected(monkeypatch: pytest.MonkeyPatch, base: str) -> Iterator[None]:
    connection = {"conn_type": "http", "host": base, "extra": QUICK}
    with monkeypatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_HEADRACE_FHIR", json.dumps(connection))
        yield


@pytest.fixture
def proxy(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    with fault_proxy(server) as found, connected(monkeypatch, found.base):
        yield found


@pytest.fixture
def run(airflow_database: None, warehouse: Path) -> Run:
    def run_it(**conf: Any) -> str:
        # A new one each time: `dag.test` leaves the run's conf in the Params of the Dag.
        dag = DagBag(str(ROOT / "dags")).dags["fhir_views"]
        return str(dag.test(run_conf={"batch_size": 300, "insert_batch": 100, **conf}).state)

    return run_it


def watermarks(warehouse: Path) -> list[str | None]:
    return [found for (found,) in rows(warehouse, "SELECT watermark FROM headrace_runs ORDER BY run_no")]


def state_of_the_asset() -> dict[str, Any]:
    with create_session() as session:
        asset = select(AssetModel.id).where(AssetModel.name == "headrace://fhir_views").scalar_subquery()
        stored = session.scalars(select(AssetStateStoreModel).where(AssetStateStoreModel.asset_id == asset))
        return {line.key: json.loads(line.value) for line in stored}


def planned(warehouse: Path) -> list[tuple[Any, ...]]:
    return rows(warehouse, "SELECT batches_planned, records_planned FROM headrace_runs ORDER BY run_no")


def test_through_429_503_resets_and_a_stuck_next_999_of_999_patients_arrive_once(
    run: Run, warehouse: Path, proxy: FaultProxy
) -> None:
    kinds = (busy(429, "1"), busy(503), None, stuck_next, None, reset, cut, None, stuck_next, None, closed, cut_quietly)
    faults = PageFaults(*kinds, None, busy(500), None, stuck_next)
    proxy.fail(busy(429, "1"), None, reset, *[faults] * 1000)

    assert run() == DagRunState.SUCCESS

    assert faults.pending == []
    assert faults.stuck
    assert_every_record_settled_once(warehouse, "fhir_views", PATIENTS)
    assert one(warehouse, "SELECT count(DISTINCT id) FROM patient_demographics") == PATIENTS
    ((batches, records),) = planned(warehouse)
    assert (batches >= 4, records) == (True, PATIENTS)


def test_a_rerun_ends_in_the_same_tables_and_a_change_is_all_that_the_next_one_writes(
    run: Run, warehouse: Path, proxy: FaultProxy, server: str
) -> None:
    assert run() == DagRunState.SUCCESS
    before = contents(warehouse)

    assert run(force=True) == DagRunState.SUCCESS
    assert contents(warehouse) == before, "replaced, not doubled"

    load(server, [{"resourceType": "Patient", "id": "p00007", "gender": "other"}])
    assert run() == DagRunState.SUCCESS
    load(server, patients(1, 7))
    summary = json.loads(rows(warehouse, "SELECT summary FROM headrace_runs ORDER BY run_no")[-1][0])
    assert (summary["records_written"], summary["records_rejected"]) == (1, 0)
    assert one(warehouse, "SELECT gender FROM patient_demographics WHERE id = 'p00007'") == "other"
    first, second, third = watermarks(warehouse)
    assert first is not None
    assert second is not None
    assert third is not None
    assert first < second < third
    assert state_of_the_asset() == {"watermark": third.partition(" ")[0]}


def test_a_period_read_again_does_not_touch_the_watermark(run: Run, warehouse: Path, proxy: FaultProxy) -> None:
    before = state_of_the_asset()
    period = {"window_start": "2020-01-01T00:00:00Z", "window_end": "2100-01-01T00:00:00Z"}
    assert run(**period) == DagRunState.SUCCESS
    assert_every_record_settled_once(warehouse, "fhir_views", PATIENTS)
    assert watermarks(warehouse) == [None]
    assert state_of_the_asset() == before
    empty = {"window_start": "2020-01-01T00:00:00Z", "window_end": "2020-01-02T00:00:00Z"}
    assert run(**empty) == DagRunState.SUCCESS
    assert planned(warehouse)[1] == (0, 0)


def test_a_run_that_fails_leaves_the_watermark_and_the_next_one_reads_what_it_missed(
    run: Run, warehouse: Path, proxy: FaultProxy
) -> None:
    proxy.fail(*[None] * 12, *[refused] * 400)
    assert run(batch_size=2000) == DagRunState.FAILED
    assert one(warehouse, "SELECT count(*) FROM headrace_records") < PATIENTS
    proxy.fail()
    assert run() == DagRunState.SUCCESS
    assert one(warehouse, "SELECT count(*) FROM patient_demographics") == PATIENTS


def test_an_export_through_faults_brings_all_of_them(
    run: Run, warehouse: Path, proxy: FaultProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.setenv("AIRFLOW_VAR_HEADRACE_FHIR_VIEWS", json.dumps({"work_folder": str(work)}))
    proxy.fail(busy(429, "1"), None, busy(503), reset, None, cut, closed)

    assert run(read_from="export") == DagRunState.SUCCESS

    assert_every_record_settled_once(warehouse, "fhir_views", PATIENTS)
    assert len(list(work.iterdir())) == 1


def test_a_bad_resource_costs_one_record_and_can_be_done_again_when_it_is_mended(
    run: Run,
    warehouse: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: Any,
) -> None:
    with fhir_server(tmp_path / "own") as base, connected(monkeypatch, base):
        load(base, list(clinic(40, broken_share=0.1)))
        assert run() == DagRunState.SUCCESS
        assert_every_record_settled_once(warehouse, "fhir_views", 120)
        assert rows(warehouse, "SELECT DISTINCT code FROM headrace_rejects") == [("fhir_view.value_type",)]
        assert one(warehouse, "SELECT count(*) FROM observation_components") == 80
        assert one(warehouse, "SELECT count(*) FROM patient_demographics") == 36

        load(base, list(clinic(40)))
        assert run(open_rejects_only=True) == DagRunState.SUCCESS
        assert one(warehouse, "SELECT count(*) FROM headrace_rejects WHERE resolved_at IS NULL") == 0
        assert one(warehouse, "SELECT count(*) FROM patient_demographics") == 40
    text = caplog.text + "".join(capfd.readouterr()) + repr(rows(warehouse, "SELECT * FROM headrace_rejects"))
    names = {name for (name,) in rows(warehouse, "SELECT family FROM patient_demographics")}
    assert names
    assert not [name for name in names if name in text]


def test_deleted_resources_lose_their_rows_where_a_whole_read_may_remove_them(
    run: Run, warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_HEADRACE_FHIR_VIEWS", json.dumps({"vanished": "remove"}))
    with fhir_server(tmp_path / "own") as base, connected(monkeypatch, base):
        load(base, patients(20))
        assert run() == DagRunState.SUCCESS
        assert httpx2.delete(f"{base}/Patient/p00003").status_code < 300
        assert run() == DagRunState.SUCCESS
        assert one(warehouse, "SELECT count(*) FROM patient_demographics") == 20, "a search tells nothing of it"
        assert run(force=True) == DagRunState.SUCCESS
    assert one(warehouse, "SELECT count(*) FROM patient_demographics") == 19


def test_a_dry_run_counts_and_writes_nothing(run: Run, warehouse: Path, proxy: FaultProxy) -> None:
    assert run(dry_run=True) == DagRunState.SUCCESS
    assert not any(contents(warehouse).values())
    assert watermarks(warehouse) == [None]
    with create_session() as session:
        extra = session.scalars(select(AssetEvent).order_by(AssetEvent.id.desc()).limit(1)).one().extra
    assert (extra["records_read"], extra["dry_run"]) == (PATIENTS, True)


@pytest.mark.parametrize(
    ("conf", "message"),
    [
        ({"resource_types": "Patient,Claim"}, "no view reads Claim"),
        ({"read_from": "export"}, "read_from export needs work_folder"),
        ({"kept_folder": "/etc"}, "unknown in the run's conf: kept_folder"),
    ],
)
def test_bad_input_fails_the_plan_before_the_server_is_asked(
    run: Run, proxy: FaultProxy, caplog: pytest.LogCaptureFixture, capfd: Any, conf: Any, message: str
) -> None:
    assert run(**conf) == DagRunState.FAILED
    assert message in capfd.readouterr().out + caplog.text
    assert proxy.server is not None
    assert proxy.server.received == []
