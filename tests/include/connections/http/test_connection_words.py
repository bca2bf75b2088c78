from __future__ import annotations

from typing import Any

import pytest

from include.connections.http.connection_words import base_url, extra_words
from include.engine.errors import SettingsError


@pytest.mark.parametrize(
    ("extra", "words"), [(None, {}), ("", {}), ("{}", {}), ('{"a": 1}', {"a": 1}), ({"a": 1}, {"a": 1})]
)
def test_an_extra_is_an_object_as_text_or_as_it_is(extra: Any, words: dict[str, Any]) -> None:
    assert extra_words("conn", extra) == words


@pytest.mark.parametrize("extra", ["{secret", "[1]", '"secret"'])
def test_another_extra_is_refused_and_not_shown(extra: str) -> None:
    with pytest.raises(SettingsError, match="connection conn: its extra is no JSON object") as caught:
        extra_words("conn", extra)
    assert "secret" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("host", "port", "schema", "path", "url"),
    [
        ("https://api.example/v1", 80, "http", "x", "https://api.example/v1"),
        ("api.example", None, None, "", "https://api.example/"),
        ("api.example", 8080, "http", "/a/b/", "http://api.example:8080/a/b"),
    ],
)
def test_the_host_is_the_url_or_a_part_of_it(
    host: str, port: int | None, schema: str | None, path: str, url: str
) -> None:
    assert base_url("conn", host, port, schema, path, example="x") == url


@pytest.mark.parametrize(
    ("host", "schema", "message"), [(None, None, r"its host \(here\)"), ("a", "ftp", "https or http")]
)
def test_a_connection_without_an_address_is_refused(host: str | None, schema: str | None, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        base_url("conn", host, None, schema, "", example="here")
