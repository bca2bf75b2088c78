from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from include.connections.files.roots import LocalRoots
from include.engine.model import Record
from include.pipelines.pdf.source import record_of
from include.warehouse.connection import Warehouse, sqlite_warehouse
from tests.include.pipelines.pdf.entries import document
from tests.include.pipelines.pdf.house import House


@pytest.fixture
def record(folder: Path) -> Callable[..., Record]:
    """A located record of a file in the folder."""

    def make(name: str, *, max_bytes: int = 2**40, **fields: Any) -> Record:
        made = record_of(document(name, **fields), LocalRoots([folder]), max_bytes)
        assert made.fault is None
        return made

    return make


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return sqlite_warehouse(tmp_path / "warehouse.db")


@pytest.fixture
def house(folder: Path, tmp_path: Path, warehouse: Warehouse) -> House:
    (tmp_path / "work").mkdir()
    return House(folder, tmp_path / "work", warehouse)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Puts a program named `tesseract` on the PATH that knows `eng` and `deu` and does for a page what it is told."""

    def make(on_page: str) -> Path:
        script = tmp_path / "bin/tesseract"
        script.parent.mkdir()
        script.write_text(
            "#!/bin/sh\n"
            'case "$1" in\n'
            "--version) echo tesseract 9.9 ;;\n"
            '--list-langs) printf "List of languages (2):\\neng\\ndeu\\n" ;;\n'
            f"*) {on_page} ;;\n"
            "esac\n"
        )
        script.chmod(0o755)
        monkeypatch.setenv("PATH", str(script.parent), prepend=":")
        return script

    return make
