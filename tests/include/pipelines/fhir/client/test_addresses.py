from __future__ import annotations

import httpx2
import pytest

from include.pipelines.fhir.client.addresses import bundle_link

BASE = "https://fhir.example/r4"
PAGE = httpx2.URL("https://fhir.example/r4/Patient?page=1")


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("https://fhir.example/r4?_getpages=a%2Bb%7Cc;d&x=y|z", "https://fhir.example/r4?_getpages=a%2Bb%7Cc;d&x=y|z"),
        ("?page=2", "https://fhir.example/r4/Patient?page=2"),
        ("Patient?page=2", "https://fhir.example/r4/Patient?page=2"),
        ("/r4/Patient?page=2", "https://fhir.example/r4/Patient?page=2"),
        ("https://other.example/x", "https://other.example/x"),
    ],
)
def test_a_bundles_link_is_taken_as_it_stands_or_relative_to_the_base(link: str, target: str) -> None:
    assert str(bundle_link(link, PAGE, BASE, "next")) == target
