"""docker-compose.yaml, as far as it can be known without an engine."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from importlib import resources
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
ONE_SHOT = {"airflow-init"}


@pytest.fixture(scope="module")
def text() -> str:
    return (ROOT / "docker-compose.yaml").read_text()


@pytest.fixture(scope="module")
def compose(text: str) -> dict[str, Any]:
    return dict(yaml.safe_load(text))


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    file = resources.files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    return dict(json.loads(file.read_text()))


@pytest.fixture(scope="module")
def compose_init() -> ModuleType:
    spec = spec_from_file_location("compose_init", ROOT / ".airflow" / "compose_init.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_file_follows_the_compose_specification(compose: dict[str, Any], schema: dict[str, Any]) -> None:
    jsonschema.validate(compose, schema)


def test_the_schema_refuses_an_unknown_key(compose: dict[str, Any], schema: dict[str, Any]) -> None:
    services = {**compose["services"], "scheduler": {**compose["services"]["scheduler"], "helthcheck": {}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**compose, "services": services}, schema)


def test_every_port_is_bound_to_loopback(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert len(ports) == 2
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in ports)
    assert not any(service.get("network_mode") == "host" for service in compose["services"].values())


def test_every_service_has_a_health_check_or_runs_once(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        if name in ONE_SHOT:
            assert service["restart"] == "no"
        else:
            assert service["healthcheck"]["test"], name


def test_every_waited_for_service_exists_and_the_condition_fits_it(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for other, wait in service.get("depends_on", {}).items():
            expected = "service_completed_successfully" if other in ONE_SHOT else "service_healthy"
            assert wait["condition"] == expected, f"{name} waits for {other}"
            assert other in compose["services"]


def test_images_are_pinned(compose: dict[str, Any], text: str) -> None:
    images = {service["image"] for service in compose["services"].values()}
    images |= set(re.findall(r"FROM (\S+)", text))
    assert len(images) == 4
    for image in images:
        assert re.fullmatch(r"[\w./-]+:\d[\w.-]*", image), image
        assert not image.endswith("latest")


def test_the_image_is_the_airflow_of_the_lock(text: str) -> None:
    locked = re.search(r"^apache-airflow==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert locked is not None
    assert f"FROM apache/airflow:{locked[1]}-python3" in text


def test_no_secret_has_a_default_or_stands_in_the_file(compose: dict[str, Any], text: str) -> None:
    variables = re.findall(r"(?<!\$)\$\{(\w+)([^}]*)\}", text)
    assert variables
    assert [name for name, rest in variables if not re.match(r":\?.+", rest)] == []
    for service in compose["services"].values():
        for name, value in service["environment"].items():
            if re.search(r"PASSWORD$|SECRET|_KEY$", name):
                assert re.fullmatch(r"\$\{\w+:\?.+\}", value), name


def test_the_example_lists_every_variable_and_gives_none_a_value(text: str) -> None:
    variables = {name for name, _ in re.findall(r"(?<!\$)\$\{(\w+)([^}]*)\}", text)}
    lines = [line for line in (ROOT / ".env.example").read_text().splitlines() if line and not line.startswith("#")]
    assert {line.removesuffix("=") for line in lines} == variables
    assert all(line.endswith("=") for line in lines)


def test_mounted_folders_exist_and_are_read_only(compose: dict[str, Any]) -> None:
    mounts = {mount for service in compose["services"].values() for mount in service["volumes"]}
    named = {mount.split(":")[0] for mount in mounts if not mount.startswith(".")}
    assert named == set(compose["volumes"])
    for mount in mounts:
        if mount.startswith("."):
            source, _, mode = mount.split(":")
            assert (ROOT / source).is_dir()
            assert mode == "ro"


def test_compose_sets_the_local_settings_that_do_not_hang_on_sqlite(compose: dict[str, Any]) -> None:
    local = set(re.findall(r"^(AIRFLOW__\w+)=", (ROOT / ".airflow" / "local.env").read_text(), re.MULTILINE))
    # The container listens on its own interface; the host's port is what stays on loopback.
    local -= {"AIRFLOW__API__HOST", "AIRFLOW__API__PORT"}
    assert local
    assert local <= set(compose["services"]["scheduler"]["environment"])


def test_the_init_commands_prepare_an_airflow_and_run_again(tmp_path: Path, compose_init: ModuleType) -> None:
    connection = compose_init.warehouse_connection("sqlserver", 1433, "p'wd/%@")
    kept, first = tmp_path / "kept.json", tmp_path / "first.json"
    env = ["env", f"HEADRACE_HOME={tmp_path}", f"HEADRACE_VENV={sys.prefix}"]
    env += [f"HEADRACE_CONNECTIONS_FILE={kept}", f"HEADRACE_FIRST_CONNECTIONS_FILE={first}"]
    command = [*env, "sh", str(ROOT / ".airflow/with"), "sh", str(ROOT / ".airflow/init.sh")]

    compose_init.write_private(kept, {"headrace_warehouse": connection})
    compose_init.write_private(first, {"headrace_source": connection})
    assert kept.stat().st_mode & 0o777 == 0o600
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

    compose_init.write_private(kept, {"headrace_warehouse": {**connection, "login": "other"}})
    compose_init.write_private(first, {"headrace_source": {**connection, "login": "other"}})
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

    with closing(sqlite3.connect(tmp_path / "airflow" / "airflow.db")) as database:
        pools = dict(database.execute("SELECT pool, slots FROM slot_pool WHERE pool <> 'default_pool'"))
        logins = dict(database.execute("SELECT conn_id, login FROM connection WHERE conn_id LIKE 'headrace%'"))
        stored = database.execute("SELECT password FROM connection WHERE conn_id = 'headrace_warehouse'").fetchone()[0]
    assert pools == {
        name: pool["slots"] for name, pool in json.loads((ROOT / ".airflow/pools.json").read_text()).items()
    }
    assert logins == {"headrace_warehouse": "other", "headrace_source": "headrace"}
    assert "p'wd/%@" not in stored, "the password is stored encrypted"


def test_a_password_cannot_leave_its_quotes_in_the_login_statement(compose_init: ModuleType) -> None:
    _mssql = pytest.importorskip("pymssql._mssql")
    [statement] = [statement for statement, takes_password in compose_init.STATEMENTS if takes_password]
    written = _mssql.substitute_params(statement, {"password": "a'; DROP LOGIN sa --"}).decode()
    assert written.count("a''; DROP LOGIN sa --'") == 2
