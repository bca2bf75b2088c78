"""`make up`, as a person uses it: start, log in, Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.fixtures.airflow_server import free_port

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.scheduler


@pytest.fixture
def up(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    env = {**os.environ, "HEADRACE_HOME": str(tmp_path), "PORT": str(free_port()), "HEADRACE_VENV": sys.prefix}
    command = [ROOT / ".airflow" / "with", sys.executable, ROOT / ".airflow" / "up.py"]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.send_signal(signal.SIGINT)


def test_airflow_starts_on_loopback_and_ctrl_c_ends_all_of_it(up: subprocess.Popen[str], tmp_path: Path) -> None:
    assert up.stdout is not None
    said = [up.stdout.readline(), up.stdout.readline()]
    assert "Airflow is ready at " in said[1], said + up.stdout.readlines()
    url = said[1].split("ready at ")[1].split(": user")[0]
    family = psutil.Process(up.pid).children(recursive=True)
    assert len(family) > 5
    listening = [
        socket.laddr
        for process in family
        for socket in process.net_connections("inet")
        if socket.status == psutil.CONN_LISTEN
    ]
    assert {address.ip for address in listening} == {"127.0.0.1"}

    password = json.loads((tmp_path / "airflow" / "passwords.json").read_text())["admin"]
    login = {"username": "admin", "password": password}
    answer = httpx.post(f"{url}/auth/token", json=login, timeout=30)
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    pools = httpx.get(f"{url}/api/v2/pools", headers=headers, timeout=30).json()["pools"]
    assert {"xml_records"} <= {pool["name"] for pool in pools}

    second = subprocess.run(
        [ROOT / ".airflow" / "with", sys.executable, ROOT / ".airflow" / "up.py"],
        env={**os.environ, "HEADRACE_HOME": str(tmp_path), "PORT": str(free_port())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert "is in use by another" in second.stderr

    up.send_signal(signal.SIGINT)
    assert up.wait(60) == 0
    _, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []
