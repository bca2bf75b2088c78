"""The FHIR pipeline under a real scheduler: a run of everything, then a backfill by its intervals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.fixtures.airflow_server import FINAL, AirflowServer, wait_for
from tests.fixtures.loopback import Received, Reply, fhir, loopback
from tests.fixtures.tables import assert_every_record_settled_once, one, rows
from tests.integration.conftest import Site

pytestmark = pytest.mark.scheduler

WATERMARKS = "SELECT run_id, watermark FROM headrace_runs ORDER BY run_no"
FIRST_DAY, DAYS, A_DAY = datetime(2026, 1, 9, 12, tzinfo=UTC), 7, 20


class Clinic:
    """A server of patients who were changed on several days: a real one sets the day itself."""

    def __init__(self) -> None:
        self.gender = "female"

    def __call__(self, request: Received) -> Reply:
        asked = parse_qsl(urlsplit(request.target).query)
        found = self.patients() if request.path == "/fhir/Patient" else []
        for name, value in asked:
            if name == "_lastUpdated":
                border = datetime.fromisoformat(value[2:])
                found = [each for each in found if (changed_at(each) >= border) == value.startswith("ge")]
        entries = [] if ("_summary", "count") in asked else [{"resource": each} for each in found]
        return fhir({"resourceType": "Bundle", "type": "searchset", "total": len(found), "entry": entries})

    def patients(self) -> list[dict[str, Any]]:
        moments = [(FIRST_DAY + timedelta(days=number % DAYS)).isoformat() for number in range(DAYS * A_DAY)]
        return [
            {"resourceType": "Patient", "id": f"p{number}", "gender": self.gender, "meta": {"lastUpdated": moment}}
            for number, moment in enumerate(moments)
        ]


def changed_at(patient: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(patient["meta"]["lastUpdated"])


def unfinished(airflow: AirflowServer) -> list[str]:
    runs = airflow.call("GET", "/dags/fhir_views/dagRuns", params={"limit": 100})["dag_runs"]
    return [run["dag_run_id"] for run in runs if run["state"] not in FINAL]


@pytest.fixture
def clinic(site: Site) -> Iterator[Clinic]:
    handle = Clinic()
    with loopback(handle) as server:
        connection = {"connection_id": "headrace_fhir", "conn_type": "http", "host": server.base}
        site.airflow.call("POST", "/connections", json=connection)
        yield handle
        site.airflow.call("DELETE", "/connections/headrace_fhir")


def test_a_backfill_reads_its_intervals_again_and_leaves_the_watermark(fresh: Site, clinic: Clinic) -> None:
    airflow, warehouse = fresh.airflow, fresh.warehouse
    # The scheduler adds the run of this morning: whichever of both comes first reads everything.
    airflow.unpause("fhir_views")
    run_id = airflow.trigger("fhir_views", {"batch_size": 50})
    assert airflow.finished("fhir_views", run_id)["state"] == "success", airflow.tasks("fhir_views", run_id)
    wait_for(lambda: not unfinished(airflow), 120, "no run is left", every_s=1)
    assert_every_record_settled_once(warehouse, "fhir_views", DAYS * A_DAY)
    before = rows(warehouse, WATERMARKS)
    assert None not in {watermark for _, watermark in before}

    clinic.gender = "other"
    airflow.backfill("fhir_views", "2026-01-11T00:00:00Z", "2026-01-13T23:00:00Z")

    runs = airflow.backfill_runs("fhir_views")
    assert [run["state"] for run in runs] == ["success"] * 3
    start = min(datetime.fromisoformat(run["data_interval_start"]) for run in runs)
    end = max(datetime.fromisoformat(run["data_interval_end"]) for run in runs)
    chosen = {each["id"] for each in clinic.patients() if start <= changed_at(each) < end}
    assert len(chosen) == 3 * A_DAY
    changed = rows(warehouse, "SELECT id FROM patient_demographics WHERE gender = 'other'")
    assert {identity for (identity,) in changed} == chosen
    assert one(warehouse, "SELECT count(*) FROM patient_demographics") == DAYS * A_DAY
    after = rows(warehouse, WATERMARKS)
    assert after[: len(before)] == before
    assert sorted(after[len(before) :]) == sorted((run["dag_run_id"], None) for run in runs)
