from __future__ import annotations

import json

import pytest

from include.engine.errors import SettingsError
from include.pipelines.csv.settings import CsvSettings
from plugins.operators.csv_enrichment import offers_of


def test_services_share_quotas_among_the_tasks_and_open_as_many_calls_as_a_task_has_workers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    extra = {"requests_per_minute": 100, "model": "small"}
    for name in ("RESEARCH", "EMAIL"):
        connection = {"conn_type": "http", "host": "https://api.example", "password": "k", "extra": extra}
        monkeypatch.setenv(f"AIRFLOW_CONN_HEADRACE_{name}", json.dumps(connection))
    offers = offers_of(CsvSettings(workers=30, tasks_at_once=4))
    assert list(offers) == ["search", "model"]
    settings = offers["model"].service.settings
    assert (settings.concurrency, settings.quotas()["requests", 60.0]) == (30, 25)
    assert settings.counted_as == "model:small"
    asked = offers_of(CsvSettings(email={"model": "large"}))["model"].service.settings
    assert asked.counted_as == "model:large"


def test_a_connection_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_HEADRACE_RESEARCH", "http://api.example")
    with pytest.raises(SettingsError, match="connection headrace_email is not there"):
        offers_of(CsvSettings())
