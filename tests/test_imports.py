"""Imports go one way: dags, plugins.operators, one pipeline, connections, warehouse, engine."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PRODUCTION = ("dags", "plugins", "include")
FIRST_PARTY = {"dags", "plugins", "include"}
RANKS = {
    "dags": 5,
    "plugins": 4,
    "include.pipelines": 3,
    "include.connections": 2,
    "include.warehouse": 1,
    "include.engine": 0,
}
ENGINE_PACKAGES = {"tenacity", "__future__"}
CONNECTIONS = "include.warehouse.airflow_connections"
"""The one place below the operators that knows Airflow: operators and commands both resolve connections there."""


def layer_of(module: str) -> str:
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "include" else parts[0]


def pipeline_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[2] if parts[:2] == ["include", "pipelines"] and len(parts) > 2 else None


def imported_modules(source: str, module: str, *, package: bool) -> Iterator[str]:
    """Dotted names as far as the syntax tells: `from a.b import c` gives a.b.c, since c may be a module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: None if package else -1]
            base = above[: len(above) - node.level + 1] if node.level else []
            start = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{start}.{alias.name}" for alias in node.names)


def fault_of(module: str, target: str) -> str | None:
    """Why `module` must not import `target`; None when it may."""
    return house_fault(module, target) if target.partition(".")[0] in FIRST_PARTY else foreign_fault(module, target)


def foreign_fault(module: str, target: str) -> str | None:
    layer, top = layer_of(module), target.partition(".")[0]
    if top == "operators":
        return "operators have one import name, plugins.operators"
    if top == "airflow" and module.partition(".")[0] == "include" and module != CONNECTIONS:
        return f"nothing under include knows Airflow but {CONNECTIONS}"
    if layer == "include.engine" and top not in sys.stdlib_module_names | ENGINE_PACKAGES:
        return "the engine stands on the standard library and tenacity"
    return None


def house_fault(module: str, target: str) -> str | None:
    above, below = layer_of(module), layer_of(target)
    fault = None
    if "include.sandbox" in {above, below}:
        fault = "the sandbox and production code know nothing of each other" if above != below else None
    elif below not in RANKS or above not in RANKS:
        fault = "no layer of the house" if target != "include" else None
    elif below == "dags":
        fault = "nothing imports a Dag file"
    elif RANKS[below] > RANKS[above]:
        fault = f"{below} is above {above}"
    elif pipeline_of(module) and pipeline_of(target) not in {None, pipeline_of(module)}:
        fault = "pipelines know nothing of each other"
    return fault


def import_faults(root: Path) -> list[str]:
    faults: list[str] = []
    for top in PRODUCTION:
        for path in sorted((root / top).rglob("*.py")):
            relative = path.relative_to(root).with_suffix("")
            package = relative.name == "__init__"
            module = ".".join(relative.parts[:-1] if package else relative.parts)
            targets = set(imported_modules(path.read_text(), module, package=package))
            found = ((target, fault_of(module, target)) for target in sorted(targets))
            faults += [f"{module} imports {target}: {fault}" for target, fault in found if fault]
            pipelines = {pipeline_of(target) for target in targets} - {None}
            if len(pipelines) > 1:
                faults.append(f"{module} imports the pipelines {sorted(map(str, pipelines))}: one at most")
    return faults


def test_imports_go_down_the_house_only() -> None:
    assert import_faults(ROOT) == []


def test_the_walk_sees_every_layer() -> None:
    seen = {
        layer_of(".".join(path.relative_to(ROOT).parts)) for top in PRODUCTION for path in (ROOT / top).rglob("*.py")
    }
    assert seen >= set(RANKS)


@pytest.mark.parametrize(
    ("path", "line", "reason"),
    [
        ("include/engine/run.py", "import sqlalchemy", "standard library"),
        ("include/engine/run.py", "from include.warehouse import sink", "above"),
        ("include/engine/run.py", "from ..warehouse.sink import Sink", "above"),
        ("include/engine/__init__.py", "from ..pipelines import xml", "above"),
        ("include/engine/run.py", "def later():\n    import airflow.sdk", "Airflow"),
        ("include/warehouse/sink.py", "from include.pipelines.xml.settings import XmlSettings", "above"),
        ("include/warehouse/sink.py", "from airflow.sdk import Connection", "Airflow"),
        ("include/connections/http/pool.py", "from include.pipelines.csv.settings import CsvSettings", "above"),
        ("include/connections/http/pool.py", "from airflow.sdk import Connection", "Airflow"),
        ("include/warehouse/sink.py", "from include.connections.http.pool import HttpPool", "above"),
        ("include/engine/run.py", "from include.connections.http import pool", "above"),
        ("include/pipelines/xml/source.py", "from include.pipelines.csv.source import Source", "each other"),
        ("include/pipelines/xml/source.py", "from ..csv import source", "each other"),
        ("include/pipelines/xml/source.py", "import plugins.operators.batch", "above"),
        ("include/pipelines/xml/source.py", "from include.sandbox.lending import write_sample", "sandbox"),
        ("include/sandbox/lending.py", "from include.engine.model import Record", "sandbox"),
        ("include/pipelines/xml/__main__.py", "def later():\n    from airflow.sdk import Connection", "Airflow"),
        ("include/pipelines/xml/__main__.py", "def later():\n    import plugins.operators.batch", "above"),
        ("include/warehouse/airflow_connections.py", "import plugins.operators.batch", "above"),
        ("include/engine/run.py", "from include.warehouse.airflow_connections import open_source", "above"),
        ("plugins/operators/batch.py", "from operators.plan import PlanOperator", "one import name"),
        ("plugins/operators/batch.py", "from dags.xml_records import dag", "Dag file"),
        (
            "plugins/operators/both.py",
            "import include.pipelines.xml.source.table_source\nimport include.pipelines.csv.source",
            "one at most",
        ),
        ("dags/xml_records.py", "import operators.batch", "one import name"),
        ("dags/xml_records.py", "from dags.shared import default_args", "Dag file"),
        ("dags/xml_records.py", "import include.elsewhere", "no layer"),
    ],
)
def test_a_forbidden_import_is_found(tmp_path: Path, path: str, line: str, reason: str) -> None:
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    file.write_text(f"from __future__ import annotations\n{line}\n")
    faults = import_faults(tmp_path)
    assert len(faults) == 1
    assert reason in faults[0]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("include/engine/run.py", "import tenacity, threading\nfrom include.engine.model import Batch"),
        ("include/engine/run.py", "from .model import Batch"),
        ("include/connections/http/pool.py", "import httpx2\nfrom include.engine.errors import FatalError"),
        ("include/pipelines/csv/source.py", "from include.connections.http.pool import HttpPool"),
        ("include/warehouse/sink.py", "import sqlalchemy\nfrom include.engine.model import Batch"),
        ("include/pipelines/xml/source.py", "from include.pipelines.xml.settings import XmlSettings"),
        ("plugins/operators/xml_to_sql.py", "from include.pipelines.xml.settings import XmlSettings"),
        ("include/warehouse/airflow_connections.py", "from airflow.sdk import BaseHook"),
        ("include/pipelines/xml/__main__.py", "from include.warehouse.airflow_connections import open_in_terminal"),
        ("include/pipelines/xml/__main__.py", "from include.pipelines.xml.settings import XmlSettings"),
        (
            "dags/xml_records.py",
            "from airflow.sdk import DAG\nfrom plugins.operators.xml_to_sql import XmlToSqlOperator",
        ),
    ],
)
def test_an_import_downwards_is_allowed(tmp_path: Path, path: str, line: str) -> None:
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    file.write_text(f"{line}\n")
    assert import_faults(tmp_path) == []
