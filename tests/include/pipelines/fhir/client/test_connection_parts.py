from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from include.engine.errors import SettingsError
from include.pipelines.fhir.client.connection_parts import settings_from_connection
from include.pipelines.fhir.client.settings import FhirSettings
from tests.include.pipelines.fhir.client.keys import key_pair

HOST = "https://fhir.example/r4/"
ES_PEM, _ = key_pair("ES384", "es")
P256_PEM, _ = key_pair("ES256", "p256")


@pytest.mark.parametrize(
    ("parts", "base_url"),
    [
        ({"host": HOST}, "https://fhir.example/r4"),
        ({"host": "fhir.example", "extra": {"path": "/r4/"}}, "https://fhir.example/r4"),
        (
            {"host": "127.0.0.1", "schema": "http", "port": 8090, "extra": '{"path": "fhir"}'},
            "http://127.0.0.1:8090/fhir",
        ),
        ({"host": "fhir.example"}, "https://fhir.example"),
    ],
)
def test_the_base_url_comes_from_the_host_or_from_its_parts(parts: dict[str, Any], base_url: str) -> None:
    settings = settings_from_connection("fhir", **parts)
    assert settings.base_url == base_url
    assert settings.auth.kind == "none"


def test_each_kind_of_login_is_read() -> None:
    basic = settings_from_connection("fhir", host=HOST, login="me", password="s3cret").auth
    assert (basic.kind, basic.username) == ("basic", "me")
    bearer = settings_from_connection("fhir", host=HOST, password="s3cret", extra={"auth": "bearer"}).auth
    assert bearer.token.get_secret_value() == "s3cret"
    extra = {"auth": "smart", "algorithm": "ES384", "key_id": "es", "scope": "system/Patient.rs"}
    smart = settings_from_connection("fhir", host=HOST, login="client", password=ES_PEM, extra=extra).auth
    assert (smart.kind, smart.client_id, smart.key_id) == ("smart", "client", "es")


def test_a_private_key_may_lie_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text(ES_PEM)
    extra = {"auth": "smart", "algorithm": "ES384", "private_key_file": str(tmp_path / "key.pem")}
    smart = settings_from_connection("fhir", host=HOST, login="client", extra=extra).auth
    assert smart.private_key.get_secret_value() == ES_PEM


def test_other_extras_are_settings() -> None:
    extra = json.dumps({"tries": 5, "page_size": None, "trusted_origins": ["https://files.example"]})
    settings = settings_from_connection("fhir", host=HOST, extra=extra)
    assert (settings.tries, settings.page_size) == (5, None)


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"host": None}, "give the service's base URL as its host"),
        ({"host": HOST, "extra": '{"auth": "s3cret'}, "its extra is no JSON object"),
        ({"host": HOST, "extra": {"auth": "s3cret"}}, "extra.auth must be one of none, basic, bearer, smart"),
        ({"host": HOST, "extra": {"trys": 5}}, "trys: Extra inputs are not permitted"),
        ({"host": HOST, "extra": {"tries": 0, "pool_size": 0}}, "pool_size: .*; tries: "),
        ({"host": HOST, "extra": {"base_url": "x"}}, "extra.base_url is taken from the host"),
        ({"host": "fhir.example", "schema": "r4"}, "schema must be https or http; a path goes into extra.path"),
        ({"host": "https://me:s3cret@fhir.example"}, "base_url carries a login"),
        ({"host": "https://fhir.example/r4?x=s3cret"}, "without . and #"),
        ({"host": HOST, "password": "s3cret 2", "extra": {"auth": "bearer"}}, "printable ASCII without blanks"),
        ({"host": HOST, "password": "s3cret", "extra": {"auth": "basic"}}, "username: "),
        ({"host": "http://fhir.example", "login": "me", "password": "s3cret"}, "basic auth would travel in the clear"),
        ({"host": HOST, "extra": {"trusted_origins": ["https://x.example/path"]}}, "scheme, host and port only"),
        ({"host": HOST, "extra": {"retry_max_s": 1}}, "retry_max_s .1. must be at least retry_min_s .2."),
        ({"host": HOST, "extra": {"auth": "smart"}, "login": "c", "password": "s3cret"}, "no PEM private key"),
        ({"host": HOST, "extra": {"auth": "smart"}, "login": "c", "password": ES_PEM}, "does not fit RS384"),
        (
            {"host": HOST, "extra": {"auth": "smart", "algorithm": "ES384"}, "login": "c", "password": P256_PEM},
            "does not fit ES384: that needs a P-384 key",
        ),
        (
            {"host": HOST, "extra": {"auth": "smart", "private_key_file": "/nowhere/key.pem"}},
            r"private_key_file cannot be read \(FileNotFoundError\)",
        ),
    ],
)
def test_a_fault_is_named_with_its_connection_and_without_its_value(parts: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError, match=rf"^connection fhir: .*{told}") as error:
        settings_from_connection("fhir", **parts)
    chain = [error.value, error.value.__cause__, error.value.__context__]
    assert not any("s3cret" in str(link) or "BEGIN" in str(link) for link in chain)


def test_credentials_may_travel_in_the_clear_where_that_is_accepted_or_stays_on_this_machine() -> None:
    auth = {"kind": "bearer", "token": "x"}
    assert FhirSettings(base_url="http://127.0.0.1:1/fhir", auth=auth)
    assert FhirSettings(base_url="http://fhir.example", auth=auth, allow_http=True)
    with pytest.raises(ValidationError):
        FhirSettings(base_url="https://fhir.example", trusted_origins=("http://x.example",), auth=auth)


def test_secrets_do_not_show_in_a_repr() -> None:
    settings = settings_from_connection("fhir", host=HOST, login="me", password="s3cret")
    assert "s3cret" not in repr(settings)
