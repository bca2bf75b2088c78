"""A real FHIR server (sekmet-fhir) on loopback, in a process of its own, with nothing in it at first."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import httpx2

START = "from sekmet.cli import app; app(['serve', '--config', 'settings.json'])"
START_TIMEOUT_S = 60.0

RESOURCES_A_TRANSACTION = 500


@contextmanager
def fhir_server(home: Path, settings: Mapping[str, Any] | None = None) -> Iterator[str]:
    """Its base URL; it ends with the context. `home` holds its settings, data and log.

    Raises `RuntimeError` with the end of its log where it does not start.
    """
    port = _free_port()
    base = f"http://127.0.0.1:{port}/fhir"
    words = {
        "base_url": base,
        "host": "127.0.0.1",
        "port": port,
        "data_dir": "data",
        "log_inbound": False,
        "validation": {"inbound": "off"},
        # A simulator would add resources. Its delay is also how long a finished export says that it is not.
        "simulator": {"enabled": False, "delay_seconds": 0.1},
        **(settings or {}),
    }
    home.mkdir(parents=True, exist_ok=True)
    (home / "settings.json").write_text(json.dumps(words))  # YAML is a superset of JSON
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - this interpreter
            [sys.executable, "-c", START], cwd=home, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        _wait(process, f"{base}/metadata", home / "server.log")
        yield base
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def load(base: str, resources: Iterable[Mapping[str, Any]]) -> None:
    """Create or replace resources under their own ids, by transactions. Raises `RuntimeError` with the answer."""
    pending = iter(resources)
    while chunk := list(islice(pending, RESOURCES_A_TRANSACTION)):
        entries = [
            {
                "resource": resource,
                "request": {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"},
            }
            for resource in chunk
        ]
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        answer = httpx2.post(base, json=bundle, headers={"Content-Type": "application/fhir+json"}, timeout=60)
        if answer.status_code != 200:
            raise RuntimeError(f"the FHIR server answers {answer.status_code}: {answer.text[:2000]}")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(httpx2.TransportError):
            if httpx2.get(url, timeout=5).status_code == 200:
                return
        time.sleep(0.1)
    raise RuntimeError(f"the FHIR server does not start:\n{log.read_text(errors='replace')[-4000:]}")
