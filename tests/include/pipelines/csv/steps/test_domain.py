from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.pipelines.csv.steps.domain import normalised


@pytest.mark.parametrize(
    ("written", "domain"),
    [
        ("acme.example", "acme.example"),
        (" https://www.Acme.example/about?x=1#y ", "acme.example"),
        ("HTTP://ACME.EXAMPLE:8080", "acme.example"),
        ("jane.doe@acme.example", "acme.example"),
        ("acme.example.", "acme.example"),
        ("www.acme.co.example/", "acme.co.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("sub.acme.example", "sub.acme.example"),
        ("acme", None),
        ("", None),
        ("n/a", None),
        ("acme com", None),
        ("-acme.example", None),
        ("a..b", None),
        ("x" * 70 + ".com", None),
        ("http://", None),
    ],
)
def test_a_site_has_one_name_however_it_is_written(written: str, domain: str | None) -> None:
    assert normalised(written) == domain


@given(st.text(max_size=60))
def test_any_text_has_a_name_or_none_and_a_name_is_its_own(text: str) -> None:
    found = normalised(text)
    assert found is None or normalised(found) in (found, found.removeprefix("www."))
