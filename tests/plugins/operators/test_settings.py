from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.sdk import Param
from airflow.sdk.exceptions import ParamValidationError
from pydantic import Field

from include.engine.errors import SettingsError
from include.warehouse.run_settings import PARAM, RunSettings
from plugins.operators.settings import params_of, resolve_settings

VARIABLE = "headrace_demo"


class DemoSettings(RunSettings):
    table: str = "orders"
    """Never a Param: it names what the server reads."""

    mode: str = Field(default="fast", pattern="^(fast|slow)$", json_schema_extra=PARAM)
    """How to read."""

    folders: tuple[str, ...] = ()
    """Where."""


@pytest.fixture
def set_variable(monkeypatch: pytest.MonkeyPatch) -> Any:
    def set_it(text: str) -> None:
        monkeypatch.setenv("AIRFLOW_VAR_HEADRACE_DEMO", text)

    return set_it


def resolve(params: dict[str, Any] | None = None, conf: dict[str, Any] | None = None) -> DemoSettings:
    return resolve_settings(DemoSettings, params or {}, conf, VARIABLE)


def test_a_param_outranks_the_variable_which_outranks_the_default(set_variable: Any) -> None:
    set_variable(json.dumps({"workers": 7, "insert_batch": 70}))

    settings = resolve({"insert_batch": 7, "workers": None})

    assert (settings.insert_batch, settings.workers, settings.queue_records) == (7, 7, 1000)


def test_an_unknown_conf_key_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"unknown in the run's conf: wrokers; known are batch_size, .*workers"):
        resolve(conf={"wrokers": 3})


def test_a_conf_cannot_choose_what_the_server_reads() -> None:
    with pytest.raises(SettingsError, match="unknown in the run's conf: table"):
        resolve(conf={"table": "passwords"})


def test_every_wrong_value_is_named_with_its_place(set_variable: Any) -> None:
    set_variable(json.dumps({"workers": 0, "tabel": "x"}))

    with pytest.raises(SettingsError) as caught:
        resolve({"insert_batch": 0})

    message = str(caught.value)
    assert "Param insert_batch: Input should be greater than or equal to 1" in message
    assert f"workers (Variable {VARIABLE})" in message
    assert f"tabel (Variable {VARIABLE}): no such setting" in message


def test_one_value_in_place_of_a_list_is_told_in_the_words_of_json(set_variable: Any) -> None:
    set_variable(json.dumps({"folders": "/srv"}))
    with pytest.raises(SettingsError, match=rf"folders \(Variable {VARIABLE}\): must be a JSON list"):
        resolve()


@pytest.mark.parametrize(("text", "message"), [("{nope", "is not JSON"), ("[1]", "must be a JSON object")])
def test_a_malformed_variable_is_named(set_variable: Any, text: str, message: str) -> None:
    set_variable(text)

    with pytest.raises(SettingsError, match=f"Variable {VARIABLE} {message}"):
        resolve()


@pytest.mark.parametrize(
    ("name", "value"),
    [("workers", None), ("workers", [4]), ("dry_run", "perhaps"), ("max_reject_rate", float("nan")), ("table", None)],
)
def test_a_variable_of_the_wrong_type_is_named_and_not_quoted(set_variable: Any, name: str, value: Any) -> None:
    set_variable(json.dumps({name: value}))

    with pytest.raises(SettingsError) as caught:
        resolve()

    assert str(caught.value).startswith(f"{name} (Variable {VARIABLE}): Input should be")
    assert "perhaps" not in str(caught.value)


def test_half_a_window_is_refused_and_a_naive_one_is_utc() -> None:
    with pytest.raises(SettingsError, match="window_start and window_end go together"):
        resolve({"window_start": "2026-01-01T00:00:00"})
    with pytest.raises(SettingsError, match="window_start must lie before window_end"):
        resolve({"window_start": "2026-01-02T00:00:00Z", "window_end": "2026-01-02T00:00:00Z"})

    settings = resolve({"window_start": "2026-01-01T00:00:00", "window_end": "2026-01-02T00:00:00+02:00"})
    assert settings.window_start == datetime(2026, 1, 1, tzinfo=UTC)
    assert settings.window_end == datetime(2026, 1, 1, 22, tzinfo=UTC)


def test_the_form_offers_marked_fields_only_each_described_and_empty_by_default() -> None:
    params = params_of(DemoSettings)

    assert "table" not in params
    assert "queue_bytes" not in params
    assert {"batch_size", "workers", "insert_batch", "dry_run", "force", "mode", "window_start"} <= set(params)
    for param in params.values():
        assert param.value is None
        assert param.description
        assert param.resolve() is None


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("workers", 3, 0),
        ("workers", 64, 65),
        ("max_reject_rate", 0.5, 1.5),
        ("dry_run", True, "yes"),
        ("mode", "slow", "sideways"),
        ("window_start", "2026-01-01T00:00:00Z", "tomorrow"),
    ],
)
def test_the_form_checks_types_and_bounds(name: str, good: Any, bad: Any) -> None:
    param: Param = params_of(DemoSettings)[name]

    assert param.resolve(good) == good
    with pytest.raises(ParamValidationError):
        param.resolve(bad)
