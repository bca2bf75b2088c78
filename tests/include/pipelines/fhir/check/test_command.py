from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from include.pipelines.fhir.__main__ import main
from tests.include.pipelines.fhir.views.documents import column, columns, definition

ROOT = Path(__file__).resolve().parents[5]


def patients(path: Path, *more: str) -> Path:
    one = {"resourceType": "Patient", "id": "Zyxwvut", "gender": "male", "photo": [{"title": "Zyxwvut"}]}
    text = "\n".join([json.dumps(one), "", json.dumps(one | {"text": {"div": "Zyxwvut"}}), *more]) + "\n"
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.mark.parametrize("name", ["Patient.ndjson", "Patient.ndjson.gz"])
def test_unread_paths_are_printed_with_counts_the_most_frequent_first_and_no_value(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert main(["views", "unread", str(patients(tmp_path / name))]) == 0
    out, errors = capsys.readouterr()
    lines = [line.split() for line in out.splitlines() if line.startswith("  ")]
    assert lines == [["2", "photo.title"], ["1", "text.div"]]
    assert out.startswith("Patient: 2 resources, read by patient_addresses, patient_contacts, ")
    assert errors == ""
    assert "Zyxwvut" not in out


def test_a_document_of_one_resource_may_have_many_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "p.json").write_text(json.dumps({"resourceType": "Patient", "id": "p", "gender": "male"}, indent=1))
    assert main(["views", "unread", str(tmp_path / "p.json")]) == 0
    assert "all that they hold is read" in capsys.readouterr().out


def test_one_view_alone_reads_less(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = patients(tmp_path / "Patient.ndjson", '{"resourceType":"Claim","id":"c"}')
    assert main(["views", "unread", str(file), "--view", "patient_telecoms"]) == 0
    out = capsys.readouterr().out
    assert "gender" in out
    assert "1 resources are of types that no view reads" in out


def test_what_cannot_be_read_is_named_and_the_rest_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = patients(tmp_path / "Patient.ndjson", "Zyxwvut")
    (tmp_path / "broken.gz").write_bytes(b"Zyxwvut")
    arguments = [str(tmp_path / "none.ndjson"), str(tmp_path / "broken.gz"), str(file)]
    assert main(["views", "unread", *arguments]) == 2
    out, errors = capsys.readouterr()
    assert "Patient: 2 resources" in out
    assert "none.ndjson: No such file or directory" in errors
    assert "broken.gz: BadGzipFile" in errors
    assert "line 4: no JSON" in errors
    assert "Zyxwvut" not in out + errors


def test_mistakes_of_own_views_are_all_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = patients(tmp_path / "Patient.ndjson")
    (tmp_path / "mine.json").write_text(json.dumps(definition(columns(column("value", "gender.nonsense()")))))
    assert main(["views", "unread", str(file), "--folder", str(tmp_path)]) == 1
    assert "the function nonsense() is not supported" in capsys.readouterr().err


def test_it_runs_as_a_program_and_tells_its_exit_codes(tmp_path: Path) -> None:
    file = patients(tmp_path / "Patient.ndjson")
    command = [sys.executable, "-m", "include.pipelines.fhir", "views", "unread"]
    done = subprocess.run([*command, str(file)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "photo.title" in done.stdout
    told = subprocess.run([*command, "--help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "exit codes:" in told
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 2
