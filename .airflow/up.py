"""`make up`: prepares the local Airflow, runs it in a process group of its own and ends all of it on Ctrl-C.

Started by `.airflow/with`, which holds the settings.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from types import FrameType

import psutil
from home_lock import HomeInUse, hold

HERE = Path(__file__).resolve().parent
HOME = Path(os.environ["AIRFLOW_HOME"])
PORT = int(os.environ["PORT"])
URL = os.environ["AIRFLOW__API__BASE_URL"]
LOG = HOME / "standalone.log"
PASSWORDS = Path(os.environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])

READY_TIMEOUT_S = 180
STOP_TIMEOUT_S = 30


class Stopped(Exception):
    """A signal asked for the end."""


def say(text: str) -> None:
    """One line for the person at the terminal; the components' own output goes to the log file."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def stop_on(_signum: int, _frame: FrameType | None) -> None:
    """Ends the wait; a second signal while stopping changes nothing."""
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    raise Stopped


def port_is_free() -> bool:
    """False when something answers or listens on the port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", PORT))
        except OSError:
            return False
    return True


def is_healthy() -> bool:
    """True once the API server answers and the scheduler and the Dag processor send heartbeats."""
    try:
        with urllib.request.urlopen(f"{URL}/api/v2/monitor/health", timeout=5) as answer:  # noqa: S310 - our own loopback URL
            health = json.load(answer)
    except (OSError, urllib.error.URLError, ValueError):
        return False
    return all(health[name]["status"] == "healthy" for name in ("metadatabase", "scheduler", "dag_processor"))


def wait_until_ready(airflow: subprocess.Popen[bytes]) -> bool:
    """False when Airflow ended or took too long; raises `Stopped` on a signal."""
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline and airflow.poll() is None:
        if is_healthy():
            return True
        time.sleep(1)
    return False


def end(airflow: subprocess.Popen[bytes]) -> None:
    """SIGTERM to the group, then SIGKILL to whatever of it is left; tasks sit in groups of their own."""
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(airflow.pid)
        family = parent.children(recursive=True)
        with suppress(ProcessLookupError):
            os.killpg(airflow.pid, signal.SIGTERM)
        _, alive = psutil.wait_procs([parent, *family], timeout=STOP_TIMEOUT_S)
        for process in alive:
            with suppress(psutil.NoSuchProcess):
                process.kill()
    airflow.wait()


def main() -> int:
    """Returns the exit code: 0 after Ctrl-C, 1 when Airflow would not start or ended by itself."""
    if not port_is_free():
        say(f"Port {PORT} of 127.0.0.1 is in use: end what listens there, or make up PORT=8081")
        return 1
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, stop_on)
    airflow = None
    try:
        say(f"Starting Airflow: about a minute. Its output goes to {LOG}")
        with LOG.open("wb") as log:
            subprocess.run(["sh", HERE / "init.sh"], stdout=log, stderr=log, check=True)
            airflow = subprocess.Popen(
                [sys.executable, HERE / "standalone.py"], stdout=log, stderr=log, start_new_session=True
            )
        if wait_until_ready(airflow):
            say(f"Airflow is ready at {URL}: user admin, password in {PASSWORDS}. Ctrl-C ends it.")
            airflow.wait()
    except Stopped:
        say("Ending Airflow")
        return 0
    except subprocess.CalledProcessError:
        pass
    finally:
        if airflow is not None:
            end(airflow)
    say(f"Airflow did not start or ended by itself; the last lines of {LOG}:")
    say("\n".join(LOG.read_text(errors="replace").splitlines()[-20:]))
    return 1


if __name__ == "__main__":
    try:
        with hold(Path(os.environ["HEADRACE_HOME"])):
            sys.exit(main())
    except HomeInUse as busy:
        sys.exit(str(busy))
