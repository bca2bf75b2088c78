"""Connections of a test's own, for Dags that run in this process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The warehouse's file; the source is `source.db` beside it."""
    for name in ("warehouse", "source"):
        connection = {"conn_type": "sqlite", "host": str(tmp_path / f"{name}.db")}
        monkeypatch.setenv(f"AIRFLOW_CONN_HEADRACE_{name.upper()}", json.dumps(connection))
    return tmp_path / "warehouse.db"
