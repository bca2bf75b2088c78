from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from include.pipelines.csv.settings import CsvSettings
from plugins.operators.settings import params_of


def test_what_the_server_may_read_and_write_and_whom_it_asks_is_no_param() -> None:
    closed = {"inbox", "roots", "s3_conn_id", "s3_prefixes", "output_folder", "template_folder", "services", "steps"}
    assert not closed & set(params_of(CsvSettings))


def test_the_trigger_form_takes_a_mapping_and_a_list_of_columns() -> None:
    params = params_of(CsvSettings)
    for name, value in {"mapping": {"company": "Account"}, "columns": ["Account"], "workers": 500}.items():
        params[name].value = value
        assert params[name].resolve() == value


@pytest.mark.parametrize("workers", [1, 300, 500])
def test_any_number_of_workers_has_rows_in_flight_and_a_guard_above_the_rows_deadline(workers: int) -> None:
    settings = CsvSettings(workers=workers, record_timeout_s=60)
    engine = settings.engine()
    assert engine.in_flight > engine.workers == workers
    assert engine.record_timeout_s is not None
    assert engine.record_timeout_s > settings.record_timeout_s + 150


@pytest.mark.parametrize(("told", "workers"), [("1", 1), (" 75 ", 75), ("500", 500), ("", 20), (None, 20)])
def test_the_environment_has_the_default_of_rows_at_once(
    monkeypatch: pytest.MonkeyPatch, told: str | None, workers: int
) -> None:
    if told is not None:
        monkeypatch.setenv("PARALLEL_ROWS_PER_WORKER", told)
    assert CsvSettings().workers == workers
    assert CsvSettings(workers=7).workers == 7


@pytest.mark.parametrize("told", ["0", "501", "-1", "20.0", "many", "9" * 5000])
def test_a_number_of_rows_that_cannot_be_is_refused_by_its_name_unless_a_setting_replaces_it(
    monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    monkeypatch.setenv("PARALLEL_ROWS_PER_WORKER", told)
    with pytest.raises(ValidationError, match="PARALLEL_ROWS_PER_WORKER in the environment must be a whole number"):
        CsvSettings()
    assert CsvSettings(workers=7).workers == 7


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"roots": ("inbox",)}, "roots, output_folder and template_folder must be absolute paths"),
        ({"output_folder": "out"}, "must be absolute paths"),
        ({"s3_prefixes": ("s3://rows/in/",)}, "need s3_conn_id"),
        ({"output_folder": "s3://rows/out/"}, "need s3_conn_id"),
        ({"dry_run": True, "key_list": "mine"}, "dry_run looks at whole files"),
        (
            {"file": "a.csv", "window_start": "2026-01-01T00:00:00Z", "window_end": "2026-01-02T00:00:00Z"},
            "leave file empty",
        ),
        ({"template": "../secret"}, "template"),
        ({"workers": 501}, "workers"),
    ],
)
def test_settings_that_do_not_fit_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        CsvSettings(**fields)


@pytest.mark.parametrize(
    ("steps", "names"),
    [
        (("research", "email"), ["search", "model"]),
        (("research",), ["search"]),
        (("email",), ["model"]),
        (("research", "own.step:Step"), ["search", "model"]),
    ],
)
def test_only_connections_of_services_that_may_be_asked_are_looked_up(steps: tuple[str, ...], names: list[str]) -> None:
    assert list(CsvSettings(steps=steps).connections) == names


def test_the_output_is_as_the_settings_say() -> None:
    settings = CsvSettings(roots=(Path("/srv"),), output_format="xlsx", columns=["a"], row_limit=7)
    assert (settings.output_options().kind, settings.output_options().columns) == ("xlsx", ["a"])
    assert settings.table_options().row_limit == 7
