"""The command as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.include.pipelines.xml.check.check_files import (
    BASE,
    LENDING,
    ROOT,
    made_by_a_run,
    write_contract,
    write_document,
)

pytestmark = pytest.mark.slow


def program(*arguments: object, **more: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "include.pipelines.xml", "contract", "check", *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **more}
    )


def test_the_program_prints_the_report_and_nothing_else(tmp_path: Path) -> None:
    contract = write_contract(tmp_path, BASE)
    file = made_by_a_run(contract, tmp_path / "dw.db")
    document = write_document(tmp_path, '<App id="1"><A>\u20ac\u00e9</A><N>1</N></App>')
    more = {"PYTHONIOENCODING": "ascii", "AIRFLOW_CONN_DW": f"sqlite:///{file}"}
    running = program(contract, "--against", "dw", "--sample", document, **more)
    report, errors = running.communicate(timeout=60)
    assert running.returncode == 0, errors.decode()
    assert report.startswith(b"Contract small has no mistakes: 1 table, 3 columns")
    assert b"\nThe database of dw has these tables, as declared.\n\nSample " in report
    # A terminal that takes ASCII alone still gets the report.
    assert b'"\\u20ac\\xe9"' in report


def test_what_airflow_logs_while_it_looks_a_connection_up_is_no_part_of_the_report(tmp_path: Path) -> None:
    running = program(
        write_contract(tmp_path, BASE),
        "--against",
        "dw",
        AIRFLOW__CORE__FERNET_KEY="",
        AIRFLOW_CONN_DW="ftp://me:secret@db.example",
    )
    report, errors = running.communicate(timeout=60)
    assert running.returncode == 2
    assert report.endswith(b"\n  primary key (app_id)\n")
    assert b"cryptography" in errors
    assert b"error: --against dw: connection dw has type 'ftp'" in errors
    assert b"secret" not in errors


def test_without_a_database_airflow_is_not_loaded() -> None:
    code = (
        "import sys; from include.pipelines.xml.__main__ import main; "
        f"code = main(['contract', 'check', {str(LENDING)!r}]); sys.exit(code or 10 * ('airflow' in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False).returncode == 0


def test_a_reader_that_has_seen_enough_is_no_fault(tmp_path: Path) -> None:
    many = "".join(f"<n{number}>x</n{number}>" for number in range(40))
    document = write_document(tmp_path, f'<App id="1"><N>1</N>{many}</App>')
    running = program(write_contract(tmp_path, BASE), *["--sample", document] * 200)
    assert running.stdout is not None
    assert running.stderr is not None
    running.stdout.read(10)
    running.stdout.close()
    errors = running.stderr.read()
    running.stderr.close()
    assert running.wait(60) == 2
    assert errors == b""
