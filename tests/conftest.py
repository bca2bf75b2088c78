"""Airflow reads its settings at its first import: the session's own home must be set before any test module."""

from __future__ import annotations

import os
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]
HOME = Path(tempfile.mkdtemp(prefix="headrace-test-"))

os.environ.update(
    {
        "AIRFLOW_HOME": str(HOME / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{HOME}/airflow/airflow.db",
        "PYTHONPATH": str(ROOT),
    }
)


# The examples of a property test are the same in every run, so that a change is judged by what it changed.
# `make test PYTEST_ARGS=--hypothesis-profile=explore` draws new ones.
# A machine that is busy makes no test fail: how long an example takes is not judged.
_UNTIMED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("same", derandomize=True, **_UNTIMED)
settings.register_profile("explore", derandomize=False, **_UNTIMED)
settings.load_profile("same")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `--dist loadfile`, one process has all tests of the one Airflow, and begins with them."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler.loadfile import LoadFileScheduling  # noqa: PLC0415 - only where it is asked for

    class OneAirflow(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = str(super()._split_scope(nodeid))
            return "one airflow" if _needs_the_one_airflow(ROOT / file) else file

    config.option.loadscopereorder = False  # by number of tests: those of the Airflow would be among the last
    return OneAirflow(config, log)


@cache
def _needs_the_one_airflow(file: Path) -> bool:
    return "tests.integration.conftest import" in file.read_text(encoding="utf-8")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first where tests are shared out over processes."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: "integration" not in item.path.parts)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips here, at one place, so that pytest folds all into one line."""
    if "PYTEST_XDIST_WORKER" in os.environ and not _needs_the_one_airflow(item.path):
        _give_way()
    if item.get_closest_marker("mssql") and not os.environ.get("HEADRACE_TEST_MSSQL_URI"):
        server = "HEADRACE_TEST_MSSQL_URI=mssql://user:password@host:port/database"
        pytest.skip(f"no T-SQL server; to run these: {server} make test PYTEST_ARGS='-m mssql'")


@cache
def _give_way() -> None:
    """Once a process: the tests of the one Airflow are the longest chain, and each of its many processes is short."""
    if os.nice(0) == 0:
        os.nice(5)


def pytest_unconfigure() -> None:
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def airflow_database() -> None:
    """Airflow's metadata database, migrated once a session; for tests that run a Dag in this process."""
    from airflow.utils.db import initdb  # noqa: PLC0415 - not before the environment is set

    (HOME / "airflow").mkdir(parents=True, exist_ok=True)
    initdb()


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Real data from outside the repository; skips aloud where it is absent."""
    folder = Path(os.environ.get("HEADRACE_TEST_DATA", ROOT.parent / "shared")).resolve()
    if not (folder / "data").is_dir():
        holds = "data/ and conformance/ (its sql-on-fhir/ is the folder tests/ of FHIR/sql-on-fhir-v2)"
        pytest.skip(f"no test data at {folder}: set HEADRACE_TEST_DATA to the folder that holds {holds}")
    return folder
