"""The local Airflow's settings, its Python and its start, as `make` uses them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LOCAL = ROOT / ".airflow"


def settings(tmp_path: Path, **given: str) -> dict[str, str]:
    """The environment that `.airflow/with` gives to a command."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "HEADRACE", "PORT"))}
    shown = subprocess.run(
        [LOCAL / "with", sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))"],
        cwd=tmp_path,
        env=clean | given,
        check=True,
        capture_output=True,
        text=True,
    )
    return dict(json.loads(shown.stdout))


def test_state_lies_where_headrace_home_says_also_when_it_is_relative(tmp_path: Path) -> None:
    env = settings(tmp_path, HEADRACE_HOME="state")
    assert env["AIRFLOW_HOME"] == str(tmp_path / "state" / "airflow")
    assert (tmp_path / "state" / "airflow").is_dir()
    for name in ("WAREHOUSE", "SOURCE"):
        connection = json.loads(env[f"AIRFLOW_CONN_HEADRACE_{name}"])
        assert connection["conn_type"] == "sqlite"
        assert Path(connection["host"]).parent == tmp_path / "state"


def test_an_airflow_home_of_the_caller_is_left_alone(tmp_path: Path) -> None:
    env = settings(tmp_path, HEADRACE_HOME=str(tmp_path), AIRFLOW_HOME=str(tmp_path / "theirs"))
    assert env["AIRFLOW_HOME"] == str(tmp_path / "airflow")
    assert not (tmp_path / "theirs").exists()


def test_a_connection_of_the_caller_goes_first(tmp_path: Path) -> None:
    uri = "mssql://loader:secret@db.example:1433/lending"
    env = settings(tmp_path, HEADRACE_HOME=str(tmp_path), AIRFLOW_CONN_HEADRACE_WAREHOUSE=uri)
    assert env["AIRFLOW_CONN_HEADRACE_WAREHOUSE"] == uri


def test_the_api_server_listens_on_loopback_at_the_port_that_tasks_call(tmp_path: Path) -> None:
    env = settings(tmp_path, HEADRACE_HOME=str(tmp_path), PORT="18080")
    assert (env["AIRFLOW__API__HOST"], env["AIRFLOW__API__PORT"]) == ("127.0.0.1", "18080")
    assert env["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:18080/execution/"


def test_a_used_port_is_named_with_the_way_out(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        env = {**os.environ, "HEADRACE_HOME": str(tmp_path), "PORT": port}
        up = subprocess.run(
            [LOCAL / "with", sys.executable, LOCAL / "up.py"], env=env, capture_output=True, text=True, check=False
        )
    assert up.returncode == 1
    assert f"Port {port} of 127.0.0.1 is in use" in up.stdout
    assert not (tmp_path / "airflow" / "airflow.db").exists()


class Machine:
    """A PATH of fake interpreters; each says which version it is and what it can import."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, name: str, version: tuple[int, int] | None, *, venv: bool = True) -> None:
        """A fake interpreter; no version stands for a version manager's shim that does not run."""
        script = "#!/bin/sh\nexit 127\n"
        if version is not None:
            # Runs what python.sh asks in the real interpreter, with the version and modules exchanged.
            prelude = f"import sys; sys.version_info = {version!r} + (0, 'final', 0)\n"
            prelude += "" if venv else "sys.modules['ensurepip'] = None\n"
            (self.folder / f"{name}.py").write_text(prelude + "exec(sys.argv[2])\n")
            script = f'#!/bin/sh\nexec "{sys.executable}" "{self.folder}/{name}.py" "$@"\n'
        (self.folder / name).write_text(script)
        (self.folder / name).chmod(0o755)

    def find(self, python: str = "") -> subprocess.CompletedProcess[str]:
        env = {"PATH": str(self.folder), "PYTHON": python}
        return subprocess.run(["/bin/sh", LOCAL / "python.sh"], env=env, capture_output=True, text=True, check=False)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_newest_python_that_runs_is_taken(machine: Machine) -> None:
    machine.add("python3.13", None)
    machine.add("python3.12", (3, 12))
    machine.add("python3", (3, 11))
    assert machine.find().stdout.strip() == str(machine.folder / "python3.12")


def test_a_python_without_venv_is_passed_over(machine: Machine) -> None:
    machine.add("python3.13", (3, 13), venv=False)
    machine.add("python3", (3, 11))
    assert machine.find().stdout.strip() == str(machine.folder / "python3")


def test_a_missing_venv_names_the_package(machine: Machine) -> None:
    machine.add("python3", (3, 11), venv=False)
    found = machine.find()
    assert found.returncode == 1
    assert "apt install python3.11-venv" in found.stderr


@pytest.mark.parametrize("version", [(3, 10), (3, 14)])
def test_a_python_out_of_range_is_none(machine: Machine, version: tuple[int, int]) -> None:
    machine.add("python3", version)
    found = machine.find()
    assert found.returncode == 1
    assert "Python 3.11, 3.12 or 3.13" in found.stderr


def test_a_named_python_is_the_only_candidate(machine: Machine) -> None:
    machine.add("python3", (3, 12))
    machine.add("old", (3, 10))
    found = machine.find("old")
    assert found.returncode == 1
    assert "PYTHON=old" in found.stderr
