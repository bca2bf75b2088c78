"""The rules of the house that a reader can count: what lies where, how long it is, what no file may name."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CODE = ("dags", "plugins", "include", ".airflow")
VISIBLE = {
    "Makefile",
    "README.md",
    "dags",
    "docker-compose.yaml",
    "include",
    "plugins",
    "requirements.in",
    "requirements.txt",
    "tests",
}
VAGUE = {"base.py", "common.py", "helper.py", "helpers.py", "misc.py", "util.py", "utils.py"}

MAX_MODULE_LINES, MEDIAN_MODULE_LINES = 300, 130
MAX_FUNCTION_LINES = 60
MAX_DAG_LINES = 70

MACHINE_PATH = re.compile(r"(?<![\w.:])/(?:home|Users|root|work|tmp|private|mnt)/[\w.]+")
URL_HOST = re.compile(r"\b(?:https?|ftp)://(?:[^\s/@]+@)?([A-Za-z0-9.-]+)")
HOSTS = {
    "127.0.0.1",
    "localhost",
    "api-server",  # a service of docker-compose.yaml
    "hl7.org",
    "json-schema.org",
    "loinc.org",
    "snomed.info",
    "sql-on-fhir.org",
    "terminology.hl7.org",
    "unitsofmeasure.org",
    "www.nlm.nih.gov",
    "www.w3.org",
}
"""Loopback, the compose network, names of standards and code systems: code that reaches elsewhere is a surprise."""


def committed(root: Path = ROOT) -> list[Path]:
    """Tracked files and new ones that git does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    return [root / name for name in listed.stdout.split("\0") if name and (root / name).is_file()]


def modules() -> list[Path]:
    found = [path for path in committed() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in CODE]
    assert len(found) > 10
    return found


def line_count(path: Path) -> int:
    return len(path.read_text().splitlines())


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1


def test_the_top_level_holds_the_agreed_names_only() -> None:
    tops = {path.relative_to(ROOT).parts[0] for path in committed()}
    assert {name for name in tops if not name.startswith(".")} == VISIBLE


def test_no_module_is_too_long_and_the_median_is_short() -> None:
    lengths = {str(path.relative_to(ROOT)): line_count(path) for path in modules()}
    assert {name: lines for name, lines in lengths.items() if lines > MAX_MODULE_LINES} == {}
    assert statistics.median(lines for lines in lengths.values() if lines) < MEDIAN_MODULE_LINES


def test_no_function_is_too_long() -> None:
    long = [f"{name}: {lines}" for path in modules() for name, lines in functions(path) if lines > MAX_FUNCTION_LINES]
    assert long == []


def test_a_dag_file_is_wiring_and_short() -> None:
    dags = [path for path in modules() if path.relative_to(ROOT).parts[0] == "dags"]
    assert dags
    assert {path.name: line_count(path) for path in dags if line_count(path) >= MAX_DAG_LINES} == {}


def test_modules_are_split_by_noun_and_tests_are_no_packages() -> None:
    files = [path.relative_to(ROOT) for path in committed()]
    assert [str(path) for path in files if path.name in VAGUE] == []
    packages = [path for path in files if path.parts[0] == "tests" and path.name == "__init__.py"]
    # A pipeline that the tests bring along is a package, as every pipeline is.
    assert [str(path) for path in packages if path.parts[1] != "fixtures"] == []


def foreign_names(text: str) -> list[str]:
    """Paths of one machine and hosts outside the list."""
    hosts = (host for host in URL_HOST.findall(text) if host not in HOSTS and not is_reserved(host))
    return [*MACHINE_PATH.findall(text), *hosts]


def is_reserved(host: str) -> bool:
    """Names that RFC 2606 keeps for examples and tests: they lead nowhere."""
    return host.endswith((".example", ".invalid", ".test")) or host in {"example.com", "example.org", "example"}


def test_no_file_names_a_machine_or_a_foreign_host() -> None:
    found = {}
    for path in committed():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue  # a fixture in another encoding or format
        if names := foreign_names(text):
            found[str(path.relative_to(ROOT))] = names
    assert found == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("path = '" + "/".join(["", "home", "me", "code"]) + "'", True),
        ("see " + "/".join(["", "tmp", "x.log"]), True),
        ("https:" + "//registry.company.com/simple", True),
        ("http://127.0.0.1:8080/api", False),
        ("/opt/headrace/dags", False),
        ("s3://bucket/tmp/file", False),
    ],
)
def test_a_foreign_name_is_found(text: str, found: bool) -> None:
    assert bool(foreign_names(text)) is found


def test_the_lock_pins_every_package_with_hashes_and_names_no_source() -> None:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pins = [line for line in lines if re.match(r"[a-z0-9]", line)]
    others = [line for line in lines if line.strip() and line not in pins and not re.match(r"\s*(--hash=|#)", line)]
    assert others == []
    assert len(pins) > 100
    assert [pin for pin in pins if not re.match(r"[a-z0-9][a-z0-9._-]*==\S+ (; .+ )?\\$", pin)] == []


def test_every_requirement_is_in_the_lock() -> None:
    asked = re.findall(r"^([A-Za-z0-9-]+)", (ROOT / "requirements.in").read_text(), re.MULTILINE)
    locked = re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert asked
    assert {name.lower() for name in asked} <= set(locked)
