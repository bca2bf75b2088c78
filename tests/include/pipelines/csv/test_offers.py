from __future__ import annotations

from typing import Any

import pytest

from include.engine.errors import SettingsError
from include.pipelines.csv.offers import Offer, offer_from_connection

KEY = "key-of-somebody"


def offer(name: str = "model", **parts: Any) -> Offer:
    return offer_from_connection(name, "conn", **({"host": "https://api.example", "password": KEY} | parts))


@pytest.mark.parametrize(
    ("name", "extra", "headers"),
    [
        ("search", {}, {"X-API-KEY": KEY}),
        ("model", {}, {"Authorization": f"Bearer {KEY}"}),
        ("crm", {}, {"Authorization": f"Bearer {KEY}"}),
        ("crm", {"key_header": "Api-Key"}, {"Api-Key": KEY}),
        ("crm", {"key_prefix": "Token "}, {"Authorization": f"Token {KEY}"}),
    ],
)
def test_the_key_goes_where_the_service_looks_for_it(name: str, extra: Any, headers: Any) -> None:
    assert offer(name, extra=extra).service.headers == headers


def test_a_service_without_a_key_gets_none() -> None:
    assert offer(password=None).service.headers == {}


def test_the_extra_says_what_the_service_bears_and_the_rest_is_its_steps() -> None:
    extra = {"requests_per_minute": 100, "price_per_1000_calls": 1.5, "model": "small", "timeout_s": 9}
    found = offer(extra=extra, tasks=4, workers=7)
    settings = found.service.settings
    assert (settings.name, settings.tasks, settings.concurrency, settings.requests_per_minute) == ("model", 4, 7, 100)
    assert (found.service.timeout_s, found.terms.price_per_1000_calls, found.words) == (9, 1.5, {"model": "small"})


def test_the_parts_make_the_address_where_the_host_is_no_url() -> None:
    assert offer(host="api.example", port=8443).service.base_url.rstrip("/") == "https://api.example:8443"


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"host": None}, "give the service's base URL as its host"),
        ({"extra": "{no"}, "its extra is no JSON object"),
        (
            {"extra": {"concurrency": 0, "requests_per_minute": "many"}},
            r"extra: concurrency: .*; requests_per_minute: ",
        ),
        ({"extra": {"timeout_s": 1000}}, "extra: timeout_s"),
        ({"extra": {"requests_per_minute": 2}, "tasks": 4}, "less than one for each of 4 tasks"),
        (
            {"password": f"{KEY}\n"},
            "connection conn: its password cannot travel as a key: it has a space, a line break",
        ),
        ({"password": f" {KEY}"}, "paste the key again"),
        ({"password": f"{KEY}ü"}, "beyond ASCII"),
        ({"extra": {"key_prefix": "Schlüssel "}}, "extra: key_prefix"),
        ({"host": "http://api.example"}, "its key would travel in the clear"),
        ({"host": "ftp://api.example"}, "not an http or https URL"),
    ],
)
def test_a_connection_that_cannot_serve_is_refused_with_its_fault_and_without_its_key(parts: Any, message: str) -> None:
    with pytest.raises(SettingsError, match=message) as caught:
        offer(**parts)
    assert KEY not in repr(caught.getrepr(showlocals=False))


def test_no_key_shows() -> None:
    assert KEY not in repr(offer())


@pytest.mark.parametrize(
    ("parts", "counted_as"),
    [
        ({"name": "search"}, "search"),
        ({"extra": {"model": "small"}}, "model:small"),
        ({"extra": {"model": "small"}, "model": "large"}, "model:large"),
        ({"extra": {"model": "small"}, "password": "another"}, "model:small"),
    ],
)
def test_what_is_used_is_counted_by_service_and_model_and_not_by_key(parts: Any, counted_as: str) -> None:
    assert offer(**parts).service.settings.counted_as == counted_as


def test_long_names_of_models_are_told_apart_within_the_column() -> None:
    counted = {offer(extra={"model": "m" * 100 + end}).service.settings.counted_as for end in "ab"}
    assert len(counted) == 2
    assert {(len(text) <= 60, text.startswith("model:")) for text in counted} == {(True, True)}
