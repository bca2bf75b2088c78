from __future__ import annotations

import json

import pytest

from include.connections.files.settings import FileSettings
from include.engine.errors import RecordRejected, SettingsError
from plugins.operators.object_store import opened_store


def test_settings_without_a_connection_open_no_store() -> None:
    assert opened_store(FileSettings()) is None


def test_the_store_is_that_of_the_connection_and_reads_below_the_prefixes_only(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"endpoint_url": "http://127.0.0.1:9", "region_name": "eu-central-1"}
    connection = {"conn_type": "aws", "login": "a", "password": "b", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_CLINIC_STORE", json.dumps(connection))
    store = opened_store(FileSettings(s3_conn_id="clinic_store", s3_prefixes=("s3://clinic/kept",)))
    assert store is not None
    assert str(store.allowed("s3://clinic/kept/a")) == "s3://clinic/kept/a"
    with pytest.raises(RecordRejected, match=r"file\.outside_roots"):
        store.allowed("s3://clinic/other/a")


def test_a_connection_that_is_not_there_or_of_another_type_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="connection no_such is not there"):
        opened_store(FileSettings(s3_conn_id="no_such"))
    monkeypatch.setenv("AIRFLOW_CONN_WEB", json.dumps({"conn_type": "http", "host": "clinic.example"}))
    with pytest.raises(SettingsError, match="connection web has type 'http': use aws"):
        opened_store(FileSettings(s3_conn_id="web"))
