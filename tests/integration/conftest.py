"""One real Airflow for all integration tests of a session: it takes most of a minute to start."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fixtures.airflow_server import ROOT, AirflowServer, airflow_server

DAGS = ROOT / "tests/fixtures/dags"


@dataclass
class Site:
    """An Airflow with its files."""

    airflow: AirflowServer
    home: Path

    @property
    def warehouse(self) -> Path:
        return self.home / "warehouse.db"

    @property
    def source(self) -> Path:
        return self.home / "source.db"

    @property
    def contracts(self) -> Path:
        return self.home / "contracts"

    def start_afresh(self) -> None:
        """An empty warehouse and no contracts of the test's own. No task may be running."""
        kept = [self.contracts, self.marks, self.documents]
        for file in [*self.home.glob("warehouse.db*"), *(file for folder in kept for file in folder.iterdir())]:
            file.unlink()

    @property
    def marks(self) -> Path:
        return self.home / "marks"

    @property
    def documents(self) -> Path:
        return self.home / "documents"

    @property
    def orders(self) -> Path:
        return self.home / "orders.ndjson"


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("site")
    for folder in ("contracts", "marks", "documents", "work"):
        (home / folder).mkdir()
    settings = {
        "AIRFLOW_VAR_HEADRACE_XML_RECORDS": json.dumps({"contract_folder": str(home / "contracts")}),
        "AIRFLOW_VAR_HEADRACE_TOY_ORDERS": json.dumps({"file": str(home / "orders.ndjson")}),
        "AIRFLOW_VAR_HEADRACE_PDF_TEXT": json.dumps(
            {"roots": [str(home / "documents")], "work_folder": str(home / "work"), "ocr": "never"}
        ),
        "HEADRACE_TEST_MARKS": str(home / "marks"),
        # A supervisor that was killed is noticed after this long, instead of five minutes.
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "8",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
    }
    files = [ROOT / "dags/xml_records.py", ROOT / "dags/fhir_views.py", ROOT / "dags/csv_enrichment.py"]
    files += [DAGS / "toy_orders.py", DAGS / "slow.py", DAGS / "faulty_pdf.py"]
    with airflow_server(home, files, settings) as airflow:
        yield Site(airflow, home)


@pytest.fixture
def fresh(site: Site) -> Site:
    site.start_afresh()
    return site
