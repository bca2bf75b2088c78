from __future__ import annotations

import httpx2
import pytest

from include.connections.http.addresses import joined, label, parsed
from include.engine.errors import FatalError

PAGE = httpx2.URL("https://fhir.example/r4/Patient?page=1")


@pytest.mark.parametrize(
    "link", ["ftp://fhir.example/x", "file:///etc/passwd", "https://fhir.example:port/x", "https://", "mailto:a@b"]
)
def test_what_is_no_http_url_is_refused_without_showing_it(link: str) -> None:
    with pytest.raises(FatalError, match=r"^its next link is not an http or https URL$"):
        joined(link, PAGE, "its next link")


def test_a_link_from_https_to_http_is_refused_with_the_fix() -> None:
    with pytest.raises(FatalError, match="X-Forwarded-Proto"):
        joined("http://fhir.example/r4?page=2", PAGE, "its next link")


def test_a_link_with_a_login_is_refused() -> None:
    with pytest.raises(FatalError, match="carries a login"):
        parsed("https://me:secret@fhir.example/", "base_url")


def test_a_backslash_does_not_hide_the_host() -> None:
    with pytest.raises(FatalError, match="carries a login"):
        parsed("https://fhir.example\\@evil.example/", "its next link")


def test_a_label_has_names_and_no_values() -> None:
    url = httpx2.URL("https://fhir.example/r4/Patient?family=Zyxwvut&_count=5&family=Other")
    assert label("GET", url) == "GET /r4/Patient?family,_count"
    many = httpx2.URL("https://fhir.example/r4?" + "&".join(f"p{number}=1" for number in range(50)))
    assert label("GET", many).endswith("p19,…")
